import type {
  AttemptPlan,
  Failure,
  KernelChoiceDocument,
  LayerTimes,
  PlanComparisonBody,
  StartPhase,
} from '@millrace/contracts';
import type { ComputeTimes } from '@millrace/pipeline';
import type { StoredBasis } from './plan-basis';

/**
 *   scheduled ──> starting ──> running ──> finished | paused
 *       └────────────┴────────────┴──────> failed | lost | cancelled
 */
export const LIVE_ATTEMPT_STATES = ['scheduled', 'starting', 'running'] as const;
export type AttemptState =
  (typeof LIVE_ATTEMPT_STATES)[number] | 'finished' | 'paused' | 'failed' | 'lost' | 'cancelled';

export function isLive(state: AttemptState): boolean {
  return (LIVE_ATTEMPT_STATES as readonly string[]).includes(state);
}

/** What a rank last said about itself; `pending` means that it has not accepted the start yet. */
export type RankState =
  'pending' | 'accepted' | 'starting' | 'ready' | 'running' | 'finished' | 'paused' | 'stopped' | 'failed';

export interface RankStatus {
  readonly agent: string;
  readonly state: RankState;
  /** The last step that it reported. */
  readonly step: number;
  /** What a rank that starts is doing, and since when by the database's clock, in milliseconds since 1970. */
  readonly phase?: StartPhase;
  readonly phaseSinceMs?: number;
}

/** The states by rank, written as decimal text: JSON has no other keys. */
export type RankStatuses = Readonly<Record<string, RankStatus>>;

/** What rank 0 is asked to do at its next step boundary. */
export interface BoundaryRequest {
  /** Grows with every change of the request, so that a changed request is a new command. */
  readonly sequence: number;
  readonly checkpoint: boolean;
  readonly stop: boolean;
  /** Stop too, but only at a boundary where a checkpoint is taken anyway. */
  readonly stopAtCheckpoint?: boolean;
  readonly acknowledged: boolean;
}

/** The plan of the whole gang: what its ranks have in common, without the data-plane key. */
export type GangPlan = Omit<AttemptPlan, 'rank' | 'dataKey' | 'resume' | 'expectedStepMs' | 'choices'>;

/** The choices of kernels' variants that ranks with a kind of device use. */
export interface PlannedChoices {
  readonly kind: string;
  readonly ranks: readonly number[];
  readonly choices: readonly KernelChoiceDocument[];
}

/** What the simulation predicted when the attempt was placed; times are in milliseconds, null if no speed was known. */
export interface PredictedAttempt {
  readonly stepTimeMs: number | null;
  readonly bubbleOfTotal: number;
  /** The times of one micro-batch, index = virtual stage; left out when nothing was planned. */
  readonly stageSeconds?: readonly ComputeTimes[];
  /** Device memory of each rank at its peak, index = rank; absent in plans of older versions. */
  readonly rankBytes?: readonly number[];
  /** What the plan was made from, so that it can be made again. */
  readonly basis?: StoredBasis;
}

/** Predicted and measured times, and what follows from the comparison. */
export interface AttemptComparison {
  readonly told: PlanComparisonBody;
  /** How long the model's layers take on each agent, as far as the attempt showed it; the run's next plan uses it. */
  readonly corrected: Readonly<Record<string, LayerTimes>>;
}

export interface StoredPlan extends GangPlan {
  readonly resumeFrom: AttemptPlan['resume']['from'];
  /**
   * The checkpoint to resume from, which may not be deleted while the attempt lives. Its manifest is not copied here,
   * because it is large.
   */
  readonly resumeCheckpointId: string | null;
  /**
   * How many samples were consumed before the first step; absent in plans of older versions, where it follows from the
   * step.
   */
  readonly firstSample?: number;
  /** How many updates were done before the first step; absent where it is as many as steps. */
  readonly updatesBefore?: number;
  /** See startDeadlineMs; absent in plans of older versions. */
  readonly startDeadlineMs?: number;
  /** Rank of each virtual stage. */
  readonly rankOfStage: readonly number[];
  readonly predicted: PredictedAttempt;
  /** By kind of device; kinds without choices are left out. */
  readonly choices?: readonly PlannedChoices[];
  /** The oldest weight version that an asynchronous schedule can use; absent where every step flushes. */
  readonly oldestVersion?: number;
}

/** A row of attempts, whose JSON documents have their types. */
export interface AttemptRecord {
  readonly id: string;
  readonly runId: string;
  readonly fence: number;
  readonly state: AttemptState;
  readonly failure: Failure | null;
  readonly plan: StoredPlan;
  readonly dataKey: string;
  readonly ranks: RankStatuses;
  readonly boundary: BoundaryRequest | null;
  /** Null until enough steps have been measured. */
  readonly comparison: AttemptComparison | null;
  readonly fromStep: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** An attempt without its plan, which may be large. */
export type AttemptStatus = Omit<AttemptRecord, 'plan' | 'dataKey'>;

/** How long the planner expects a step to take; undefined where it does not know. */
export function expectedStepMs({ predicted: { stepTimeMs } }: StoredPlan): number | undefined {
  return stepTimeMs !== null && stepTimeMs > 0 ? stepTimeMs : undefined;
}

export function rankOf(attempt: AttemptStatus, agentId: string): number | undefined {
  const found = Object.entries(attempt.ranks).find(([, { agent }]) => agent === agentId);
  return found && Number(found[0]);
}

export function everyRank(attempt: AttemptStatus, test: (status: RankStatus) => boolean): boolean {
  return Object.values(attempt.ranks).every(test);
}
