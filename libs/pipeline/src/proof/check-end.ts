import { NO_MICRO_BATCH } from '../schedule/action';
import { formatAction } from '../schedule/action-text';
import { type IndexedRow, positionOf } from './indexed-row';
import { orderBroken } from './proof.errors';

/** With a flush REDUCE follows every W and STEP follows REDUCE; without one every update has its STEP. */
export function checkEnd(row: IndexedRow): void {
  if (row.lowered.updates.mode === 'flush') checkFlush(row);
  else for (const stage of row.lowered.stagesOfRank[row.rank] ?? []) checkUpdates(row, stage);
}

function checkFlush(row: IndexedRow): void {
  const { lowered, rank } = row;
  const stage = lowered.stagesOfRank[rank]?.[0] ?? 0;
  const [reduce, step] = (['REDUCE', 'STEP'] as const).map((kind) =>
    positionOf(row, { kind, stage, microBatch: NO_MICRO_BATCH }),
  ) as [number, number];
  if (step < reduce) throw orderBroken(lowered, { rank, position: step }, 'stands before its REDUCE');
  const late = (lowered.actions[rank] ?? []).findIndex((action, index) => action.kind === 'W' && index > reduce);
  if (late >= 0) throw orderBroken(lowered, { rank, position: late }, 'stands after the REDUCE that adds its gradient');
}

/** W ascend, so it is enough that each STEP stands between the last W of its update and the first of the next. */
function checkUpdates(row: IndexedRow, stage: number): void {
  const { lowered, rank } = row;
  const { microBatches } = lowered.updates;
  for (let last = microBatches - 1; last < lowered.microBatches; last += microBatches) {
    const step = positionOf(row, { kind: 'STEP', stage, microBatch: last });
    const before = positionOf(row, { kind: 'W', stage, microBatch: last });
    if (step < before) throw orderBroken(lowered, { rank, position: step }, 'stands before the last W of its update');
    const next = row.positions.get(formatAction({ kind: 'W', stage, microBatch: last + 1 })) ?? Infinity;
    if (step > next) throw orderBroken(lowered, { rank, position: step }, 'stands after a W of the next update');
  }
}
