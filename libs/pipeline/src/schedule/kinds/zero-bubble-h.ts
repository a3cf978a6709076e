import type { Action } from '../action';
import type { ScheduleShape } from './shape';

/**
 * ZB-H1 (Qi et al. 2023, arXiv:2401.10241, hand-made schedule): 1f1b with I and W apart and W put off by r backwards on
 * rank r, so that the last ranks fill with W the time in which 1f1b waits. p = 3, m = 4:
 *
 *   rank 0  F0 F1 F2 .. .. I0 W0 F3 I1 W1 .. I2 W2 .. I3 W3
 *   rank 1  .. F0 F1 .. I0 F2 .. I1 W0 F3 I2 W1 .. I3 W2 W3       (W one late)
 *   rank 2  .. .. F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 W2 W3             (W two late)
 *
 * In flight on rank r: min(p-r, m) until I, min(p, m) until W.
 */
export function zeroBubbleH1(rank: number, { ranks, microBatches }: ScheduleShape): Action[] {
  return deferred({ stage: rank, microBatches, warmUp: ranks - rank - 1, lag: rank });
}

/**
 * ZB-H2 (same paper): twice the warm-up and twice the delay of W turn the trapezoid into a parallelogram: no rank idles
 * between its own first F and its own last W when F = I = W. In flight on rank r: 2(p-r)-1 until I, 2p-1 until W.
 */
export function zeroBubbleH2(rank: number, { ranks, microBatches }: ScheduleShape): Action[] {
  return deferred({ stage: rank, microBatches, warmUp: 2 * (ranks - rank - 1), lag: 2 * rank });
}

interface DeferredRow {
  readonly stage: number;
  readonly microBatches: number;
  /** Number of forwards before the first pair. */
  readonly warmUp: number;
  /** By how many backwards W runs behind. */
  readonly lag: number;
}

function deferred({ stage, microBatches, warmUp, lag }: DeferredRow): Action[] {
  const filled = Math.min(warmUp, microBatches);
  const actions: Action[] = [];
  const push = (kind: Action['kind'], microBatch: number): void => {
    if (microBatch >= 0 && microBatch < microBatches) actions.push({ kind, stage, microBatch });
  };
  for (let slot = 0; slot < microBatches + filled; slot++) {
    push('F', slot);
    push('I', slot - filled);
    if (slot >= filled) push('W', slot - filled - lag);
  }
  for (let microBatch = Math.max(0, microBatches - lag); microBatch < microBatches; microBatch++) push('W', microBatch);
  return actions;
}
