import { csvInvalid } from '../pipeline.errors';
import { type Action, isCompute } from '../schedule/action';
import { formatAction, parseAction } from '../schedule/action-text';
import { MAX_CELLS } from '../schedule/make-schedule';
import type { Schedule } from '../schedule/schedule';

/** One row per rank, cells in the grammar of `formatAction`: what torch.distributed.pipelining reads and writes. */
export function toCsv(schedule: Schedule): string {
  return schedule.actions.map((row) => `${row.map(formatAction).join(',')}\n`).join('');
}

/**
 * Reads such rows; empty cells (idle, in torch's files) are skipped. Stages, chunks and micro-batches follow from the
 * F cells. In flight may be whatever the rows need, so the proof bounds nothing that a named schedule would.
 * Throws PIPELINE.CSV_INVALID naming row and column.
 */
export function parseCsv(text: string): Schedule {
  const lines = text.replace(/\s+$/, '').split(/\r?\n/);
  const actions = lines.map((line, row) => parseRow(line, row));
  const cells = actions.flat();
  if (cells.length > 8 * MAX_CELLS) throw csvInvalid(`${cells.length} cells are more than ${8 * MAX_CELLS}`);
  const rankOfStage = placeStages(actions);
  if (rankOfStage.length === 0) throw csvInvalid('there is no F: write one row per rank with cells such as 0F0');
  const microBatches = 1 + cells.reduce((last, { microBatch }) => Math.max(last, microBatch), -1);
  const stagesOfRank = actions.map((_, rank) => rankOfStage.flatMap((owner, stage) => (owner === rank ? [stage] : [])));
  const chunks = stagesOfRank[0]?.length ?? 0;
  if (stagesOfRank.some((stages) => stages.length !== chunks)) {
    const counts = stagesOfRank.map(({ length }) => length).join(', ');
    throw csvInvalid(`the rows hold ${counts} stages: each must hold as many`);
  }
  return {
    name: 'csv',
    ranks: actions.length,
    chunks,
    stages: rankOfStage.length,
    microBatches,
    rankOfStage,
    stagesOfRank,
    inFlightLimit: actions.map(() => chunks * microBatches),
    lowered: cells.some((action) => !isCompute(action)),
    actions,
  };
}

function parseRow(line: string, row: number): Action[] {
  return line.split(',').flatMap((cell, column) => {
    const text = cell.trim();
    if (text === '') return [];
    try {
      return [parseAction(text)];
    } catch (cause) {
      throw csvInvalid(`row ${row + 1}, column ${column + 1}: "${text.slice(0, 40)}" is not an action`, cause);
    }
  });
}

/** The rank whose row has a stage's F. */
function placeStages(actions: readonly (readonly Action[])[]): number[] {
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
