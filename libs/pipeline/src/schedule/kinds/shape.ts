import type { Placement } from '../placement';

/** The numbers that a schedule is made from. */
export interface ScheduleShape extends Placement {
  /** p */
  readonly ranks: number;
  /** v */
  readonly chunks: number;
  /** m, of all steps that the schedule covers. */
  readonly microBatches: number;
  /** N: how many micro-batches interleaved takes through a chunk before it turns to the next one. */
  readonly groupSize: number;
  /** Micro-batches of one weight update. */
  readonly updateSize: number;
}
