import type { Action } from './action';

/**
 * GPipe (Huang et al. 2019): all forwards, then all backwards. p = 3, m = 3:
 *
 *   rank 0  F0 F1 F2 .. .. .. .. .. .. B0 .. B1 .. B2
 *   rank 1  .. F0 F1 F2 .. .. .. B0 .. B1 .. B2
 *   rank 2  .. .. F0 F1 F2 B0 .. B1 .. B2
 *
 * The backward runs in ascending order (the paper's is descending), so that weight gradients accumulate in the same
 * order as in every other schedule; idle time is the same.
 */
export function gpipe(rank: number, microBatches: number): Action[] {
  const order = Array.from({ length: microBatches }, (_, microBatch) => microBatch);
  return [
    ...order.map((microBatch): Action => ({ kind: 'F', stage: rank, microBatch })),
    ...order.map((microBatch): Action => ({ kind: 'B', stage: rank, microBatch })),
  ];
}
