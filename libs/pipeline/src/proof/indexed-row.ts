import { type Action, NO_MICRO_BATCH } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import type { Schedule } from '../schedule/schedule';
import { actionDuplicated, actionMisplaced, actionMissing } from './proof.errors';

/** A rank's list with the position of every action in it, by its text. */
export interface IndexedRow {
  readonly lowered: Schedule;
  readonly rank: number;
  readonly positions: ReadonlyMap<string, number>;
}

/** Refuses an action that stands twice or does not belong to its rank. */
export function indexRows(lowered: Schedule): IndexedRow[] {
  return lowered.actions.map((row, rank) => {
    const positions = new Map<string, number>();
    row.forEach((action, position) => {
      if (!belongs(lowered, rank, action)) throw actionMisplaced(lowered, { rank, position });
      const text = formatAction(action);
      if (positions.has(text)) throw actionDuplicated(lowered, { rank, position });
      positions.set(text, position);
    });
    return { lowered, rank, positions };
  });
}

function belongs(lowered: Schedule, rank: number, action: Action): boolean {
  const flushes = lowered.updates.mode === 'flush';
  if (action.kind === 'B' || lowered.rankOfStage[action.stage] !== rank) return false;
  if (action.kind === 'REDUCE') return flushes && action.microBatch === NO_MICRO_BATCH;
  if (action.kind === 'STEP' && flushes) return action.microBatch === NO_MICRO_BATCH;
  return action.microBatch >= 0 && action.microBatch < lowered.microBatches;
}

/** Throws PIPELINE.ACTION_MISSING. */
export function positionOf({ lowered, rank, positions }: IndexedRow, action: Action): number {
  const position = positions.get(formatAction(action));
  if (position === undefined) throw actionMissing(lowered, rank, action);
  return position;
}
