import type { Action } from './action';
import type { Placement } from './placement';

/** The schedules that are made from numbers. */
export const SCHEDULE_NAMES = [
  'gpipe',
  '1f1b',
  'interleaved',
  'looped-bfs',
  'zb-h1',
  'zb-h2',
  'zb-v',
  'dualpipe-v',
  'pipedream',
  'pipedream-2bw',
] as const;

export type ScheduleName = (typeof SCHEDULE_NAMES)[number];

/**
 * When weights change. `flush`: once, after every backward, behind a barrier (synchronous). The others update each
 * stage by itself after every `microBatches` backwards and never wait: `stash` keeps for each micro-batch the weights
 * of its forward, `vertical` uses on every stage the version that stage 0 used, `double-buffer` the last but one.
 */
export interface WeightUpdates {
  readonly mode: 'flush' | 'stash' | 'vertical' | 'double-buffer';
  readonly microBatches: number;
}

/**
 * The ordered actions of every rank: data, not code. Every schedule has this one form, so lowering, proof, simulation
 * and drawing know none by name; interleaved ones differ in their placement, zero-bubble ones in writing I and W apart.
 */
export interface Schedule extends Placement {
  /** A ScheduleName, or `csv` for one that was read. */
  readonly name: string;
  /** p */
  readonly ranks: number;
  /** v: virtual stages per rank. */
  readonly chunks: number;
  /** p * v */
  readonly stages: number;
  /** m: micro-batches of a step; where the schedule does not flush, of all steps that it covers. */
  readonly microBatches: number;
  readonly updates: WeightUpdates;
  /**
   * How many (stage, micro-batch) pairs may be between their F and their W at once, per rank. The proof enforces it, so
   * that the memory is known before the run starts.
   */
  readonly inFlightLimit: readonly number[];
  /**
   * How many tensors the link from one rank to another must be able to hold; the proof shows that such links never
   * deadlock.
   */
  readonly linkSlotsLimit: number;
  /** False if the schedule is compute-only; true if it has sends, receives, local hand-overs, REDUCE and STEP. */
  readonly lowered: boolean;
  /** One list per rank. */
  readonly actions: readonly (readonly Action[])[];
}
