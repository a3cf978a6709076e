import { CLOCK_EVENT_FIELDS, CLOCK_EVENT_MASK, CLOCK_EVENT_SUPPORTED_MASK } from '../values/clock-event-reasons';
import type { FieldSource } from '../values/field-table';
import { GPU_FIELDS, HOST_FIELDS } from '../values/gpu-fields';
import { eccFields } from '../values/part-fields';

export interface CsvColumn {
  readonly name: string;
  /** As the header prints it, `[MiB]` without the brackets; null where there is none. */
  readonly unit: string | null;
}

const HEADER_CELL = /^([A-Za-z][\w.]*)(?: \[([^\][]*)\])?$/;

const KNOWN_NAMES: ReadonlySet<string> = new Set(
  [
    HOST_FIELDS,
    GPU_FIELDS,
    CLOCK_EVENT_FIELDS,
    eccFields('volatile'),
    eccFields('aggregate'),
    { CLOCK_EVENT_MASK, CLOCK_EVENT_SUPPORTED_MASK },
  ]
    .flatMap((table) => Object.values(table) as FieldSource<unknown>[])
    .flatMap((source) => source.csv),
);

/** The columns that a header names; null when the line is none. A name that is not known may be of a newer driver. */
export function columnsOfHeader(line: string): CsvColumn[] | null {
  const columns = line.split(',').map((cell) => {
    const match = HEADER_CELL.exec(cell.trim());
    return match ? { name: match[1] ?? '', unit: match[2] ?? null } : null;
  });
  const named = columns.filter((column) => column !== null);
  return named.length === columns.length && named.some((column) => KNOWN_NAMES.has(column.name)) ? named : null;
}

export function columnsOfFields(fields: readonly string[]): CsvColumn[] {
  return fields.map((name) => ({ name: name.trim(), unit: null }));
}
