import { scheduleError } from '../model.errors';

export interface LearningRateSchedule {
  readonly schedule: 'constant' | 'cosine';
  /** The highest rate, reached at the end of the warm-up. */
  readonly peak: number;
  /** Number of steps of the linear warm-up. */
  readonly warmup: number;
  /** The rate that cosine reaches at the last step; by default a tenth of the peak. */
  readonly min?: number;
  /** Number of steps of the whole run. */
  readonly steps: number;
}

/**
 * Learning rate of `step` (counted from 1): peak * step / warmup during the warm-up, then the peak, or a half cosine
 * from the peak down to `min` at the last step (Loshchilov and Hutter 2017, arXiv:1608.03983 eq. 5, without restarts).
 */
export function learningRate(schedule: LearningRateSchedule, step: number): number {
  if (!Number.isInteger(step) || step < 1) {
    throw scheduleError(`step ${step} has no learning rate`, 'steps count from 1');
  }
  const { peak, warmup, steps } = schedule;
  if (step <= warmup) return (peak * step) / warmup;
  if (schedule.schedule === 'constant') return peak;
  const min = schedule.min ?? peak / 10;
  if (step >= steps) return min;
  return min + 0.5 * (peak - min) * (1 + Math.cos((Math.PI * (step - warmup)) / (steps - warmup)));
}
