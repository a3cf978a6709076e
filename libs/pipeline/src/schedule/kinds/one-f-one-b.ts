import type { Action } from '../action';
import type { ScheduleShape } from './shape';

/**
 * 1F1B with flush (PipeDream-Flush, Narayanan et al. 2021): rank r of p does min(p-r-1, m) forwards to fill the
 * pipeline, then one forward and one backward in turn, then the backwards that are left. p = 3, m = 4, B drawn 2 wide:
 *
 *   rank 0  F0 F1 F2 .. .. .. .. B0 .. F3 B1 .. .. B2 .. .. B3 ..
 *   rank 1  .. F0 F1 .. .. B0 .. F2 B1 .. F3 B2 .. .. B3 ..
 *   rank 2  .. .. F0 B0 .. F1 B1 .. F2 B2 .. F3 B3 ..
 *
 * Never more than min(p-r, m) micro-batches are in flight on rank r, whatever m is.
 */
export function oneFOneB(rank: number, { ranks, microBatches }: ScheduleShape): Action[] {
  return alternate({ stage: rank, microBatches, warmUp: ranks - rank - 1 });
}

/** `warmUp` forwards, then forward and backward in turn, then the backwards that are left. */
export function alternate(row: { stage: number; microBatches: number; warmUp: number }): Action[] {
  const { stage, microBatches } = row;
  const warmUp = Math.min(row.warmUp, microBatches);
  const actions: Action[] = [];
  for (let slot = 0; slot < microBatches + warmUp; slot++) {
    if (slot < microBatches) actions.push({ kind: 'F', stage, microBatch: slot });
    if (slot >= warmUp) actions.push({ kind: 'B', stage, microBatch: slot - warmUp });
  }
  return actions;
}
