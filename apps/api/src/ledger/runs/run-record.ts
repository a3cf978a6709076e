import type { RunState } from '@millrace/core';
import type { RunSpec } from '@millrace/contracts';
import type { StopRequest } from '@millrace/scheduler';

/** Why a run is in its state. For a queued run, `nearest` is the nearest placement that would do. */
export interface RunReason {
  readonly code: string;
  readonly message: string;
  readonly nearest?: unknown;
}

/** What a row of a long table shows of a run; of the spec it has only three values. */
export interface BriefRun extends Pick<
  RunRecord,
  'id' | 'name' | 'project' | 'state' | 'reason' | 'step' | 'createdAt' | 'startedAt' | 'finishedAt'
> {
  readonly steps: number;
  readonly parallel: { readonly pp: number; readonly schedule: string };
}

/** A row of runs, whose JSON documents have their types; they were validated when they were written. */
export interface RunRecord {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly queue: string;
  readonly priority: number;
  readonly state: RunState;
  readonly stopping: StopRequest | undefined;
  readonly reason: RunReason | null;
  readonly spec: RunSpec;
  readonly datasetId: string;
  /** The largest step whose metrics are stored. */
  readonly step: number;
  readonly fence: number;
  readonly failures: number;
  /** A recovering run is not tried again before this time; null means at once. */
  readonly retryAt: Date | null;
  readonly version: number;
  readonly createdAt: Date;
  /** When its state or its reason last changed. */
  readonly updatedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}
