import { csvInvalid } from '../pipeline.errors';
import { type Action, isCompute } from '../schedule/action';
import { formatAction, parseAction } from '../schedule/action-text';
import { placeStages } from '../schedule/placement';
import type { Schedule } from '../schedule/schedule';
import { MAX_CELLS } from '../schedule/schedule-constraints';

/** An overlapped forward and backward, as torch.distributed.pipelining writes it. */
const PAIR = /^\((\d+F\d+);(\d+B\d+)\)OVERLAP_F_B$/;

/**
 * Writes one row per rank, with cells in the grammar of `formatAction`, which torch.distributed.pipelining reads and
 * writes.
 */
export function toCsv(schedule: Schedule): string {
  return schedule.actions.map((row) => `${formatRow(row).join(',')}\n`).join('');
}

/** In a lowered list a B is written as I and W, so that the pair is no longer one cell. */
function formatRow(row: readonly Action[]): string[] {
  const partners = new Set(row.filter((action, index) => index > 0 && row[index - 1]?.overlaps === action));
  return row
    .filter((action) => !partners.has(action))
    .map((action) => {
      const { overlaps } = action;
      if (overlaps === undefined || !partners.has(overlaps)) return formatAction(action);
      return `(${formatAction(action)};${formatAction(overlaps)})OVERLAP_F_B`;
    });
}

/**
 * Reads such rows; empty cells (idle, in torch's files) are skipped. Stages, their ranks, chunks and micro-batches
 * follow from the F cells. The rows may have any number of micro-batches in flight, so that the proof does not bound it
 * as it does for a named schedule. Throws PIPELINE.CSV_INVALID, which names row and column.
 */
export function parseScheduleCsv(text: string): Schedule {
  const lines = text.replace(/\s+$/, '').split(/\r?\n/);
  const actions = lines.map((line, row) => parseRow(line, row));
  const cells = actions.flat();
  if (cells.length > 8 * MAX_CELLS) throw csvInvalid(`${cells.length} cells are more than ${8 * MAX_CELLS}`);
  const placement = placeStages(rankOfStages(actions), actions.length);
  const stages = placement.rankOfStage.length;
  if (stages === 0) throw csvInvalid('there is no F: write one row per rank with cells such as 0F0');
  const microBatches = 1 + cells.reduce((last, { microBatch }) => Math.max(last, microBatch), -1);
  const chunks = placement.stagesOfRank[0]?.length ?? 0;
  if (placement.stagesOfRank.some((ofRank) => ofRank.length !== chunks)) {
    const counts = placement.stagesOfRank.map(({ length }) => length).join(', ');
    throw csvInvalid(`the rows hold ${counts} stages: each must hold as many`);
  }
  return {
    name: 'csv',
    ranks: actions.length,
    chunks,
    stages,
    microBatches,
    ...placement,
    updates: { mode: 'flush', microBatches },
    inFlightLimit: actions.map(() => chunks * microBatches),
    // A link carries activations and gradients: it never holds more than all of them.
    linkSlotsLimit: 2 * stages * microBatches,
    lowered: cells.some((action) => !isCompute(action)),
    actions,
  };
}

function parseRow(line: string, row: number): Action[] {
  return line.split(',').flatMap((cell, column) => {
    const text = cell.trim();
    if (text === '') return [];
    try {
      return parseCell(text);
    } catch (cause) {
      throw csvInvalid(`row ${row + 1}, column ${column + 1}: "${text.slice(0, 40)}" is not an action`, cause);
    }
  });
}

function parseCell(text: string): Action[] {
  const [, forward, backward] = PAIR.exec(text) ?? [];
  if (forward === undefined || backward === undefined) return [parseAction(text)];
  const overlaps = parseAction(backward);
  return [{ ...parseAction(forward), overlaps }, overlaps];
}

/** The rank whose row has a stage's F. */
function rankOfStages(actions: readonly (readonly Action[])[]): number[] {
  const owner = new Map<number, number>();
  actions.forEach((row, rank) => {
    for (const { kind, stage } of row) {
      if (kind !== 'F') continue;
      const other = owner.get(stage) ?? rank;
      if (other !== rank) throw csvInvalid(`stage ${stage} has F in row ${other + 1} and in row ${rank + 1}`);
      owner.set(stage, rank);
    }
  });
  return Array.from({ length: owner.size }, (_, stage) => {
    const rank = owner.get(stage);
    if (rank === undefined) throw csvInvalid(`stage ${stage} has no F: stages must be numbered from 0 without a gap`);
    return rank;
  });
}
