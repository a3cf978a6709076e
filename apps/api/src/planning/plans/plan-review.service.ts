import { Inject, Injectable } from '@nestjs/common';
import { type agentV1, isFlushless } from '@millrace/contracts';
import type { MeasuredStep } from '@millrace/pipeline';
import { type AttemptComparison, type AttemptRecord, isLive } from '../../ledger/runs/attempt-record';
import { BoundaryRequestsService } from '../../ledger/runs/boundary-requests.service';
import type { Transaction } from '../../ground/database/prisma.service';
import { MetricsRepository } from '../../ledger/metrics/metrics.repository';
import { type FencedAttempt, RunLedger } from '../../ledger/runs/run-ledger';
import { TraceStore } from '../../ground/tracing/trace-store';
import { measuredStages, median } from './measured-stages';
import { LearnedLayersService } from '../profiling/learned-layers.service';
import { PlanComparisonsService } from './plan-comparisons.service';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { EventsService } from '../../ground/events/events.service';
import { LOGGER } from '../../ground/config/api-logger';
import type { Logger } from '@millrace/core';

/** After so many steps of an attempt, prediction and measurement are compared. */
export const REVIEW_AFTER_STEPS = 20;
/** Only some steps are traced, at most one a second; fewer than this could all be slow by chance. */
export const TRACED_STEPS_MIN = 3;
/**
 * If a checkpoint is due within this time, the run ends there for the better plan; else a checkpoint is taken at once.
 */
const CHECKPOINT_PATIENCE_MS = 60_000;
/** If two plans for a run were wrong, a third one is not tried. */
export const REPLANS_MAX = 2;
const REMEMBERED_MAX = 1000;

/** What is known of an attempt before its review; `done` means that it was reviewed, or never will be. */
type Watched = 'done' | 'reviewing' | { readonly firstStep: number; readonly stageCount: number };

/**
 * Compares, once per attempt, what the planner predicted with what the steps took. An attempt whose plan was clearly
 * wrong ends at its next checkpoint, and the run goes on with a better plan.
 *
 * It uses traces, which are in the memory of the replica that holds the agents' sessions: if ranks of an attempt have
 * sessions with several replicas, there is no review.
 */
@Injectable()
export class PlanReviewService {
  private readonly watched = new Map<string, Watched>();

  constructor(
    private readonly ledger: RunLedger,
    private readonly attempts: AttemptsRepository,
    private readonly events: EventsService,
    private readonly boundaries: BoundaryRequestsService,
    private readonly traces: TraceStore,
    private readonly metrics: MetricsRepository,
    private readonly comparisons: PlanComparisonsService,
    private readonly learned: LearnedLayersService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async traced({ runId, fence, step }: Pick<agentV1.TraceBatch, 'runId' | 'fence' | 'step'>): Promise<void> {
    const key = `${runId} ${fence}`;
    const watched = this.watched.get(key) ?? (await this.watch(key, { runId, fence }));
    if (typeof watched === 'string' || step < watched.firstStep + REVIEW_AFTER_STEPS) return;
    // The first step includes work that is done only once.
    const batches = this.traces.of(runId).filter((each) => each.fence === fence && each.step > watched.firstStep);
    const tracedCount = new Set(batches.map((each) => each.step)).size;
    const stages = measuredStages(batches, watched.stageCount);
    if (stages === undefined || tracedCount < TRACED_STEPS_MIN) return;
    this.watched.set(key, 'reviewing');
    const reviewed = await this.review({ runId, fence }, { stages, step, firstStep: watched.firstStep });
    this.watched.set(key, reviewed ? 'done' : watched);
  }

  private async watch(key: string, fenced: FencedAttempt): Promise<Watched> {
    const attempt = await this.attempts.find(undefined, fenced);
    const reviewable = attempt && isLive(attempt.state) && attempt.comparison === null && isReviewable(attempt);
    const watched: Watched = reviewable
      ? { firstStep: attempt.plan.firstStep, stageCount: attempt.plan.stages.length }
      : 'done';
    if (this.watched.size >= REMEMBERED_MAX) this.watched.clear();
    this.watched.set(key, watched);
    return watched;
  }

  /** Returns false when it must be tried again. */
  private async review(fenced: FencedAttempt, { stages, step, firstStep }: Measured): Promise<boolean> {
    const attempt = await this.attempts.find(undefined, fenced);
    if (!attempt || !isLive(attempt.state)) return true;
    const stepSeconds = await this.stepSeconds(attempt, { firstStep, step });
    if (stepSeconds === undefined) return false;
    const compared = await this.comparisons.compare(attempt, { stages, stepSeconds }, step);
    if (compared === undefined) return true;
    // Rank 0 must be asked at once where it should stop.
    await this.ledger.change((tx) => this.store(tx, fenced, compared));
    // For the next run of such a model on such devices.
    await this.learned.learn(attempt, compared.corrected);
    return true;
  }

  private async store(tx: Transaction, fenced: FencedAttempt, { told, corrected }: AttemptComparison): Promise<void> {
    const locked = await this.ledger.lock(tx, fenced);
    if (!locked || !isLive(locked.attempt.state) || locked.attempt.comparison !== null) return;
    const { attempt } = locked;
    const earlier = await this.attempts.comparisons(fenced.runId, tx);
    const replanCount = earlier.filter((each) => each.told.replan).length;
    const boundary = nextBoundary(attempt, told);
    const replan = told.isClearlyWrong && replanCount < REPLANS_MAX && isWorthwhile(attempt, boundary.step);
    const comparison = { told: { ...told, replan }, corrected };
    await this.attempts.update(tx, attempt, { comparison });
    await this.events.append(tx, {
      type: 'run.plan_compared',
      runId: fenced.runId,
      subject: attempt.id,
      actor: 'system',
      data: { fence: fenced.fence, ...comparison.told },
    });
    if (replan) await this.boundaries.request(tx, attempt, boundary.wishes);
    const { runId, fence } = fenced;
    this.logger.info({ runId, fence, gain: told.gain, replan }, 'plan compared with what was measured');
  }

  /** The median step time, from what rank 0 reports of its steps. */
  private async stepSeconds(
    { runId, plan }: AttemptRecord,
    { firstStep, step }: StepRange,
  ): Promise<number | undefined> {
    const page = await this.metrics.page({
      runId,
      name: 'train/tokens_per_second',
      limit: REVIEW_AFTER_STEPS,
      afterStep: step - REVIEW_AFTER_STEPS,
    });
    const tokens = plan.spec.train.batch.global * plan.model.context;
    return median(page.points.filter((point) => point.step > firstStep).map(({ value }) => tokens / value));
  }
}

interface StepRange {
  readonly firstStep: number;
  readonly step: number;
}

interface Measured extends StepRange {
  readonly stages: MeasuredStep['stages'];
}

/** Steps of an asynchronous schedule overlap, and its checkpoints bind it to its split: there is nothing to review. */
function isReviewable({ plan }: AttemptRecord): boolean {
  return plan.predicted.basis !== undefined && !isFlushless(plan.spec.parallel);
}

/** Whether any step is left after the boundary, and the split may be changed. */
function isWorthwhile({ plan }: AttemptRecord, boundaryStep: number): boolean {
  return plan.spec.parallel.partition === 'auto' && plan.stages.length > 1 && boundaryStep < plan.lastStep;
}

interface NextBoundary {
  readonly step: number;
  readonly wishes: Parameters<BoundaryRequestsService['request']>[2];
}

/** The next checkpoint if one is due soon; otherwise one is taken at once. */
function nextBoundary({ plan }: AttemptRecord, { step, measuredStepTimeMs }: AttemptComparison['told']): NextBoundary {
  const every = plan.spec.train.checkpointEvery;
  const due = every > 0 ? Math.floor(step / every + 1) * every : Infinity;
  const isSoon = (due - step) * measuredStepTimeMs <= CHECKPOINT_PATIENCE_MS;
  return isSoon
    ? { step: due, wishes: { checkpoint: false, stop: false, stopAtCheckpoint: true } }
    : { step: step + 1, wishes: { checkpoint: true, stop: true } };
}
