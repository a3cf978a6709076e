import type { Action } from '../action';
import { RowBuilder } from './row-builder';
import type { ScheduleShape } from './shape';

/**
 * ZB-V (Qi et al. 2023, arXiv:2401.10241, section 6): two chunks in a V, chunk 0 = stage r, chunk 1 = stage 2p-1-r, so
 * that the loss comes back to rank 0 and every rank holds at most p micro-batches. The order is
 * torch.distributed.pipelining's:
 *
 *   2(p-r)-1 times F0; r times F1 F0; p-r times F1 I1 W1;
 *   F0 I0 W0 F1 I1 W1 while there are forwards;
 *   r times I0 I1; p-r times I0 W0; the W1 left over, then the W0 left over
 *
 * Made for at least 2p-1 micro-batches; the caller drops those beyond its own.
 */
export function zeroBubbleV(rank: number, { ranks, microBatches, stagesOfRank }: ScheduleShape): Action[] {
  const row = new RowBuilder(stagesOfRank[rank] ?? []);
  const times = (count: number, round: () => void): void => Array.from({ length: count }).forEach(round);
  const backward = (chunk: number): void => (row.add('I', chunk), row.add('W', chunk));
  times(2 * (ranks - rank) - 1, () => row.add('F', 0));
  times(rank, () => (row.add('F', 1), row.add('F', 0)));
  times(ranks - rank, () => (row.add('F', 1), backward(1)));
  while (row.count('F', 1) < row.count('F', 0) || row.count('F', 0) < microBatches) {
    if (row.count('F', 0) < microBatches) row.add('F', 0);
    backward(0);
    row.add('F', 1);
    backward(1);
  }
  times(rank, () => (row.add('I', 0), row.add('I', 1)));
  times(ranks - rank, () => backward(0));
  for (const chunk of [1, 0]) times(row.count('I', chunk) - row.count('W', chunk), () => row.add('W', chunk));
  return row.actions;
}
