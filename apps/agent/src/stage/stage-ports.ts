import type { SpanCause, StartPhase } from '@millrace/contracts';
import type { Batch } from '@millrace/data';
import type { OptimizerState } from '@millrace/model';
import type { HostArray } from '@millrace/runtime';
import type { SentTraffic } from '../data-plane/counted-transport';

/**
 * What a stage executor needs of its surroundings beside the backend, the transport and the clock; all of it is
 * injected.
 */

/** `weight-2`: the weight two updates ago. */
export type WeightKind = 'weight' | OptimizerState | `weight-${number}`;

/** Where a stage's tensors come from when it does not draw them from the seed. */
export interface WeightSource {
  /** Undefined when there is none of this name and kind. */
  read(name: string, kind: WeightKind): Promise<HostArray | undefined>;
}

/** Only the first and the last stage have one. */
export interface DataSource {
  train(step: number, microBatch: number): Batch;
  validation(microBatch: number): Batch;
}

/** Of a tensor: all of it, or where it is large some of its blocks. */
export interface SnapshotPiece {
  readonly name: string;
  readonly kind: WeightKind;
  /** Of the whole tensor. */
  readonly shape: readonly number[];
  readonly elementOffset: number;
  readonly data: HostArray;
}

export interface CheckpointSink {
  /**
   * Resolves when the rank's part is stored and reported. Rejects only for the `final` one: an earlier one that fails
   * is reported, and training goes on. Pieces are taken as fast as they can be stored, and no faster.
   */
  store(step: number, pieces: AsyncIterable<SnapshotPiece>, final: boolean): Promise<void>;
}

export interface MetricValue {
  readonly name: string;
  readonly step: number;
  readonly value: number;
}

export interface ActionSpan {
  /** "0F3", or "wait:1RECV_F2". */
  readonly action: string;
  readonly cause: SpanCause;
  /** Wall clock, milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
}

/** What a rank did in a step, and sent of it. */
export interface StepTrace extends SentTraffic {
  readonly spans: readonly ActionSpan[];
}

/** A wait that takes much longer than usual. */
export interface WaitReport {
  /** What cannot go on, such as "1RECV_F2". */
  readonly action: string;
  readonly forRank: number;
  readonly waitedMs: number;
  /** The newest thing that came from `forRank`; undefined when nothing did. */
  readonly last: { readonly frame: string; readonly ageMs: number } | undefined;
}

export interface StageReporter {
  /** What the rank does until its first step. */
  phase(phase: StartPhase): void;
  /** A step has begun; the first one means that the attempt runs. */
  step(step: number): void;
  /** Resolves when the points are in a buffer that will reach the API: training pauses while it is full. */
  metrics(points: readonly MetricValue[]): Promise<void>;
  log(level: 'info' | 'warn' | 'error', text: string): void;
  trace(step: number, trace: StepTrace): void;
  /** At most once every few seconds of a wait, with growing pauses. */
  waiting(report: WaitReport): void;
}

/** What rank 0 was asked for and takes up at its next step boundary. */
export interface BoundaryRequests {
  /** `checkpointDue`: one is taken at this boundary in any case. */
  take(checkpointDue?: boolean): { readonly checkpoint: boolean; readonly stop: boolean };
}

/** What the API asks of rank 0. */
export interface BoundaryWishes {
  readonly checkpoint: boolean;
  readonly stop: boolean;
  /** Stop as well, but only where a checkpoint is taken anyway. */
  readonly stopAtCheckpoint: boolean;
}

/** Rank 0's word on a step, the same for every rank. */
export interface Commit {
  readonly step: number;
  readonly norm: number;
  readonly clipCoefficient: number;
  readonly checkpoint: boolean;
  readonly stop: boolean;
  /** Every rank sends its spans of this step: a picture needs all of them. */
  readonly trace?: boolean;
  /** Set: nobody updates, the attempt ends as `numerics`. */
  readonly abort?: { readonly what: string; readonly value: string };
}
