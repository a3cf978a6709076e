import type { Clock } from '@millrace/core';
import type { SnapshotWindow } from '@millrace/pipeline';
import type { Backend } from '@millrace/runtime';
import type { StageTransport } from '../data-plane/stage-transport';
import type { StageMemory } from './stage-memory';
import type { StagePlan } from './stage-plan';
import type { BoundaryRequests, CheckpointSink, DataSource, StageReporter, WeightSource } from './stage-ports';

export interface StageExecutorOptions {
  readonly plan: StagePlan;
  readonly backend: Backend;
  readonly transport: StageTransport;
  /** Only the first and the last stage read data. */
  readonly data: DataSource | undefined;
  readonly weights: WeightSource;
  readonly checkpoints: CheckpointSink;
  readonly reporter: StageReporter;
  readonly requests: BoundaryRequests;
  /** Lets others use the device (for generated text) between two steps, when nothing of a step does. */
  readonly betweenSteps?: () => Promise<void>;
  readonly clock: Clock;
  /** The window of the snapshots for checkpoints; a test may give a small one. */
  readonly snapshotWindow?: SnapshotWindow;
}

export interface StageOutcome {
  readonly state: 'finished' | 'paused';
  /** The last step whose update was done. */
  readonly step: number;
}

/** A rank that is ready to train. */
export interface ReadyStage {
  readonly memory: StageMemory;
  /** Number of optimistic updates that were undone because the gradient norm clipped. */
  readonly rolledBackCount: number;
  /** Trains until the last step or a pause. Rejects with what else ended the attempt. */
  run(): Promise<StageOutcome>;
}
