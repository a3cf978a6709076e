import type { SpanCause, StartPhase } from '@millrace/contracts';
import type { Batch } from '@millrace/data';
import type { OptimizerState, UpdateCounters } from '@millrace/model';
import type { HostArray } from '@millrace/runtime';
import type { SentTraffic } from '../data-plane/counted-transport';

/**
 * What a stage executor needs of its surroundings beside the backend, the transport and the clock; all of it is
 * injected.
 */

/**
 * In each interval of this length the spans of one step are sent: a timeline needs no more, and those of short steps
 * would flood the API.
 */
export const TRACE_INTERVAL_MS = 1000;

/** The suffix counts updates: `weight-2` is the weight two updates ago. */
export type WeightKind = 'weight' | OptimizerState | `weight-${number}`;

/** Where a stage's tensors come from when it does not draw them from the seed. */
export interface WeightSource {
  /** Undefined when the source has no tensor of this name and kind. */
  read(name: string, kind: WeightKind): Promise<HostArray | undefined>;
}

/** Only the first and the last stage have one. */
export interface DataSource {
  train(step: number, microBatch: number): Batch;
  validation(microBatch: number): Batch;
}

/** All of a tensor or, of a large one, some of its blocks. */
export interface SnapshotPiece {
  readonly name: string;
  readonly kind: WeightKind;
  /** The shape of the whole tensor. */
  readonly shape: readonly number[];
  readonly elementOffset: number;
  readonly data: HostArray;
}

/** What a checkpoint says beside its tensors. */
export interface StoredStep {
  readonly step: number;
  /** No checkpoint follows. */
  readonly final: boolean;
  /** Only where gradients are scaled: elsewhere they follow from the step. */
  readonly counters?: UpdateCounters | undefined;
}

export interface CheckpointSink {
  /**
   * Resolves when the rank's part is stored and reported. Rejects only for a `final` checkpoint: if an earlier one
   * fails, that is reported and training goes on. Pieces are taken no faster than they can be stored.
   */
  store(stored: StoredStep, pieces: AsyncIterable<SnapshotPiece>): Promise<void>;
}

export interface MetricValue {
  readonly name: string;
  readonly step: number;
  readonly value: number;
}

export interface ActionSpan {
  /** An action such as "0F3", or a wait such as "wait:1RECV_F2". */
  readonly action: string;
  readonly cause: SpanCause;
  /** Wall clock, milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
}

/** What a rank did in a step, and what it sent for that step. */
export interface StepTrace extends SentTraffic {
  readonly spans: readonly ActionSpan[];
}

/** A wait that takes much longer than usual. */
export interface WaitReport {
  /** The action that cannot go on, such as "1RECV_F2". */
  readonly action: string;
  readonly forRank: number;
  readonly waitedMs: number;
  /** The newest frame that came from `forRank`; undefined when none did. */
  readonly last: { readonly frame: string; readonly ageMs: number } | undefined;
}

export interface StageReporter {
  /** Tells what the rank does before its first step. */
  phase(phase: StartPhase): void;
  /** Tells that a step has begun; the first one means that the attempt runs. */
  step(step: number): void;
  /** Resolves when the points are in a buffer that will reach the API: training pauses while it is full. */
  metrics(points: readonly MetricValue[]): Promise<void>;
  log(level: 'info' | 'warn' | 'error', text: string): void;
  trace(step: number, trace: StepTrace): void;
  /** Tells of a long wait; called at most once every few seconds, with growing pauses. */
  waiting(report: WaitReport): void;
}

/** What rank 0 was asked to do at its next step boundary. */
export interface BoundaryRequests {
  /** Takes the requests. `checkpointDue`: a checkpoint is taken at this boundary in any case. */
  take(checkpointDue?: boolean): { readonly checkpoint: boolean; readonly stop: boolean };
}

/** What the API asks of rank 0. */
export interface BoundaryWishes {
  readonly checkpoint: boolean;
  readonly stop: boolean;
  /** Stop too, but only at a boundary where a checkpoint is taken anyway. */
  readonly stopAtCheckpoint: boolean;
}

/** Rank 0's decision on a step, which is the same for every rank. */
export interface Commit {
  readonly step: number;
  /** Of the gradients without their scale; 0 if it is not finite. */
  readonly norm: number;
  /** 0 where no rank updates. */
  readonly clipCoefficient: number;
  /** Set if the scaled gradients are not finite: no rank updates, and training goes on. */
  readonly overflow?: { readonly firstBad?: string };
  readonly checkpoint: boolean;
  readonly stop: boolean;
  /** Every rank sends its spans of this step: a timeline needs those of all ranks. */
  readonly trace?: boolean;
  /** If set, no rank updates, and the attempt ends as `numerics`. */
  readonly abort?: {
    readonly what: string;
    readonly value: string;
    readonly firstBad?: string;
    /** So many steps in a row were skipped with the smallest loss scale. */
    readonly skippedCount?: number;
  };
}
