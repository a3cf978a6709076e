import type { Action } from './action';

export const SCHEDULE_NAMES = ['gpipe', '1f1b'] as const;

export type ScheduleName = (typeof SCHEDULE_NAMES)[number];

/**
 * The ordered actions of every rank: data, not code. Every schedule has this one form, so lowering, proof, simulation
 * and drawing know none by name; interleaved ones differ in `rankOfStage`, zero-bubble ones in writing I and W apart.
 */
export interface Schedule {
  /** A ScheduleName, or `csv` for one that was read. */
  readonly name: string;
  /** p */
  readonly ranks: number;
  /** v: virtual stages per rank. */
  readonly chunks: number;
  /** p * v */
  readonly stages: number;
  /** m: micro-batches per step. */
  readonly microBatches: number;
  /** Where each stage lives; neighbours on one rank exchange tensors without a send. */
  readonly rankOfStage: readonly number[];
  /** The v stages of each rank, ascending. */
  readonly stagesOfRank: readonly (readonly number[])[];
  /**
   * Per rank, how many (stage, micro-batch) pairs may be between their F and their W at once. The proof holds the
   * actions to it, so memory is known before the run starts.
   */
  readonly inFlightLimit: readonly number[];
  /** False: compute only. True: with sends, receives, REDUCE and STEP. */
  readonly lowered: boolean;
  /** One list per rank. */
  readonly actions: readonly (readonly Action[])[];
}
