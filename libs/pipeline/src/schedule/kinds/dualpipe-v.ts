import type { Action } from '../action';
import { RowBuilder } from './row-builder';
import type { ScheduleShape } from './shape';

/**
 * DualPipeV (DeepSeek-AI 2025, the V-shaped half of DualPipe; order as in torch.distributed.pipelining): chunks as in
 * zb-v, and in the steady state the forward of one chunk overlaps the backward of the other, [F+B], so that the
 * transfers of each hide behind the computing of the other.
 *
 *   1  2(p-r-1) times F0            5  p-r-1 times B1 [F1+B0]
 *   2  r+1 times F0 F1              6  r+1 times B1 B0, in the second half as I with W put off
 *   3  p-r-1 times I1 W1 F1         7  p-r-1 times W I0
 *   4  m-2p+r+1 times [F0+B1] [F1+B0]   (the first pair of the last rank apart: it has nothing to hide)
 *   8  the W that are left
 *
 * Made for at least 2p micro-batches; the caller drops those beyond its own.
 */
export function dualPipeV(rank: number, { ranks, microBatches, stagesOfRank }: ScheduleShape): Action[] {
  const row = new RowBuilder(stagesOfRank[rank] ?? []);
  const times = (count: number, round: (index: number) => void): void =>
    Array.from({ length: count }).forEach((_, index) => round(index));
  const after = ranks - rank - 1;
  times(2 * after, () => row.add('F', 0));
  times(rank + 1, () => (row.add('F', 0), row.add('F', 1)));
  times(after, () => (row.addInput(1), row.addDeferredWeight(), row.add('F', 1)));
  times(microBatches - 2 * ranks + rank + 1, (index) => {
    if (index === 0 && rank === ranks - 1) (row.add('F', 0), row.addBackward(1));
    else row.addPair(0, 1);
    row.addPair(1, 0);
  });
  times(after, () => (row.addBackward(1), row.addPair(1, 0)));
  drain(row, rank);
  times(after, () => (row.addDeferredWeight(), row.addInput(0)));
  times(rank + 1, () => row.addDeferredWeight());
  return row.actions;
}

/** B1 B0, r+1 times; from the middle on (on odd ranks one backward earlier) only I. */
function drain(row: RowBuilder, rank: number): void {
  const half = Math.floor((rank + 1) / 2);
  for (let index = 0; index <= rank; index++) {
    const begun = index > half;
    const split = [begun || (index === half && rank % 2 === 1), begun || index === half];
    [1, 0].forEach((chunk, position) => (split[position] === true ? row.addInput(chunk) : row.addBackward(chunk)));
  }
}
