import type { NvidiaGpu } from '../nvidia-gpu';
import { NvidiaSmiParseError, positionAt } from '../parse-error';
import type { NvidiaSmiHost, NvidiaSmiReport } from '../report';
import {
  CLOCK_EVENT_FIELDS,
  CLOCK_EVENT_MASK,
  CLOCK_EVENT_SUPPORTED_MASK,
  withMasks,
} from '../values/clock-event-reasons';
import type { FieldSource } from '../values/field-table';
import { readFields } from '../values/field-table';
import { GPU_FIELDS, HOST_FIELDS } from '../values/gpu-fields';
import { eccFields } from '../values/part-fields';
import { isUnknown, readValue } from '../values/value-reader';
import type { CsvColumn } from './csv-columns';
import { columnsOfFields, columnsOfHeader } from './csv-columns';
import type { TextLine } from './csv-lines';
import { splitLines } from './csv-lines';

type Lookup = <V>(source: FieldSource<V>) => V | null;

const ECC_VOLATILE = eccFields('volatile');
const ECC_AGGREGATE = eccFields('aggregate');

/** `--query-gpu=… --format=csv`; with `noheader`, `fields` are the names that were asked for, in that order. */
export function parseCsv(text: string, fields?: readonly string[]): NvidiaSmiReport {
  const { lines, warnings } = splitLines(text);
  const first = lines[0];
  const header = first === undefined ? null : columnsOfHeader(first.text);
  const columns = header ?? (fields === undefined ? null : columnsOfFields(fields));
  if (first === undefined || columns === null) throw unrecognised(text, first);
  const rows = header === null ? lines : lines.slice(1);
  if (rows.length === 0 && warnings[0] !== undefined)
    throw new NvidiaSmiParseError('UNRECOGNISED', `a message in place of GPUs: ${JSON.stringify(warnings[0])}`);
  if (rows.length === 0)
    throw new NvidiaSmiParseError('TRUNCATED', 'a header and no row after it', positionAt(text, text.length));

  const lookups = rows.map((row) => lookupIn(columns, cellsOf(row, columns, text)));
  const isCut = rows.at(-1)?.isTerminated === false;
  return {
    format: 'csv',
    ...readHost(lookups),
    gpus: lookups.map(readGpu),
    warnings: isCut
      ? [...warnings, 'the last line has no end: its last value is taken only if its unit is there']
      : warnings,
  };
}

function readHost(lookups: readonly Lookup[]): NvidiaSmiHost {
  return readFields(HOST_FIELDS, (source) => {
    for (const lookup of lookups) {
      const value = lookup(source);
      if (value !== null) return value;
    }
    return null;
  });
}

function readGpu(lookup: Lookup): NvidiaGpu {
  return {
    ...readFields(GPU_FIELDS, lookup),
    clockEventReasons: withMasks(readFields(CLOCK_EVENT_FIELDS, lookup), {
      active: lookup(CLOCK_EVENT_MASK),
      supported: lookup(CLOCK_EVENT_SUPPORTED_MASK),
    }),
    eccVolatile: readFields(ECC_VOLATILE, lookup),
    eccAggregate: readFields(ECC_AGGREGATE, lookup),
    migDevices: null,
    processes: null,
  };
}

interface Cell {
  readonly text: string;
  /** It may have lost its end. */
  readonly isCut: boolean;
}

/** nvidia-smi quotes nothing, so that a comma too many makes it unsure which cell belongs to which column. */
function cellsOf(row: TextLine, columns: readonly CsvColumn[], text: string): Cell[] {
  const cells = row.text.split(',').map((cell) => cell.trim());
  if (cells.length === columns.length)
    return cells.map((cell, index) => ({ text: cell, isCut: !row.isTerminated && index === cells.length - 1 }));
  const isCut = !row.isTerminated && cells.length < columns.length;
  const message = `${cells.length} cells where ${columns.length} were asked for`;
  const offset = isCut ? text.length : row.offset;
  throw new NvidiaSmiParseError(isCut ? 'TRUNCATED' : 'MALFORMED', message, positionAt(text, offset));
}

function lookupIn(columns: readonly CsvColumn[], cells: readonly Cell[]): Lookup {
  return (source) => {
    for (const name of source.csv) {
      const index = columns.findIndex((column) => column.name === name);
      const column = columns[index];
      const cell = cells[index];
      if (column === undefined || cell === undefined) continue;
      const { units } = source.reader;
      // A column in a unit of another size would be a number of another size.
      if (column.unit !== null && !units.includes(column.unit)) continue;
      const value = readValue(source.reader, cell.text, cell.isCut ? 'required' : 'optional');
      const isSure = !cell.isCut || units.length > 0;
      if (value !== null && isSure) return value;
    }
    return null;
  };
}

function unrecognised(text: string, first: TextLine | undefined): NvidiaSmiParseError {
  const quoted = (first?.text ?? text).trim().slice(0, 200);
  const hint = /,/.test(quoted) && !isUnknown(quoted) ? ' (CSV without a header needs the names of its fields)' : '';
  return new NvidiaSmiParseError('UNRECOGNISED', `neither XML nor CSV of nvidia-smi: ${JSON.stringify(quoted)}${hint}`);
}
