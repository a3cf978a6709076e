import { Inject, Injectable } from '@nestjs/common';
import { isFlushless } from '@millrace/contracts';
import { AppError, describeError, type Logger } from '@millrace/core';
import { type PendingReason, PLACEABLE_STATES } from '@millrace/scheduler';
import { type PlannableRun, RunShapesService } from '../plans/run-shapes.service';
import { ProfileRequestsService } from '../profiling/profile-requests.service';
import { RunLedger } from '../../ledger/runs/run-ledger';
import type { RunReason, RunRecord } from '../../ledger/runs/run-record';
import type { Gang } from './attempt-plans.service';
import { ResumeSourceService } from './resume-source.service';
import type { WaitingRun } from './placement-planner.service';
import type { RunOutline } from '../threads/planning-tasks';
import { RunsRepository } from '../../ledger/runs/runs.repository';
import { AttemptsRepository } from '../../ledger/runs/attempts.repository';
import { RunTransitionsService } from '../../ledger/runs/run-transitions.service';
import { EventsService } from '../../ground/events/events.service';
import { LOGGER } from '../../ground/config/api-logger';

/**
 * The sentence of a reason may change in every pass; while its code stays the same, it is written at most this often.
 */
const REASON_DEBOUNCE_MS = 5_000;

/** A row of runs, with everything else that its next plan depends on. */
export type WaitingRecord = RunRecord & PlannableRun;

/** Called with a run that cannot be planned and the reason. */
export type RefusedRun = (run: RunRecord, error: unknown) => Promise<undefined>;

/** Runs that wait for devices, and why they do. */
@Injectable()
export class RunQueueService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly runs: RunsRepository,
    private readonly attempts: AttemptsRepository,
    private readonly transitions: RunTransitionsService,
    private readonly events: EventsService,
    private readonly shapes: RunShapesService,
    private readonly profiles: ProfileRequestsService,
    private readonly resumeSource: ResumeSourceService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The runs by id. One that cannot be planned at all is passed to `refused` and left out. */
  async waiting(refused: RefusedRun): Promise<Map<string, WaitingRun<WaitingRecord>>> {
    const queue = new Map<string, WaitingRun<WaitingRecord>>();
    const waiting = await this.runs.inStates(PLACEABLE_STATES);
    const tried = waiting.filter(({ fence }) => fence > 0);
    const limits = await this.attempts.memoryLimits(tried.map(({ id }) => id));
    for (const found of waiting) {
      const run = await this.withHeldSplit(found);
      const memoryLimits = limits.get(run.id);
      const outline = await this.fixedOutline({ ...run, memoryLimits }).catch((error: unknown) => refused(run, error));
      if (outline !== undefined) queue.set(run.id, { run: { ...run, memoryLimits }, outline: outline ?? undefined });
    }
    return queue;
  }

  /** The run as it goes on: an asynchronous one with the split of its checkpoint. */
  private async withHeldSplit(run: RunRecord): Promise<RunRecord> {
    const { spec } = run;
    if (spec.parallel.partition !== 'auto' || !isFlushless(spec.parallel)) return run;
    const partition = await this.ledger.changeQuietly((tx) => this.resumeSource.heldLayers(tx, run));
    return partition === undefined ? run : { ...run, spec: { ...spec, parallel: { ...spec.parallel, partition } } };
  }

  /**
   * Null where the planner has a choice, of which nothing is looked at before the run may have devices: of the layers,
   * or, once the run ran out of memory, of the devices and of what is computed again.
   */
  private async fixedOutline(run: WaitingRecord): Promise<RunOutline | null> {
    const isPlanned = run.spec.parallel.partition === 'auto' || run.memoryLimits !== undefined;
    return isPlanned ? null : (await this.shapes.of(run)).outline;
  }

  /** While a run waits, idle devices have time to measure its layers. */
  async measureMeanwhile(run: RunRecord, idle: Gang): Promise<void> {
    const free = idle.filter(({ generation }) => generation === null);
    await this.profiles.askFor(run.spec, await this.shapes.model(run), free);
  }

  /**
   * Handles a run that cannot be planned, which must not make the others wait: it fails with the reason. If only the
   * threads were busy, it waits for the next pass.
   */
  async unplannable(run: RunRecord, error: unknown): Promise<undefined> {
    if (!(error instanceof AppError)) throw error;
    if (error.kind === 'unavailable') return;
    this.logger.error({ runId: run.id, reason: describeError(error) }, 'run cannot be planned');
    const reason = { code: error.code, message: error.message };
    await this.ledger.changeQuietly((tx) => this.transitions.move(tx, run, { to: 'failed', actor: 'system', reason }));
  }

  /** `nowMs` is the time of the pass, by the database's clock. */
  async notePending(run: RunRecord, pending: PendingReason, nowMs: number): Promise<void> {
    const reason: RunReason = { code: pending.code, message: pending.sentence, nearest: pending.nearest };
    const before = run.reason;
    if (before?.code === reason.code) {
      const young = nowMs - run.updatedAt.getTime() < REASON_DEBOUNCE_MS;
      if (young || JSON.stringify(before) === JSON.stringify(reason)) return;
    }
    await this.ledger.changeQuietly(async (tx) => {
      if (!(await this.runs.update(tx, run, { reason }))) return;
      const { code, message } = reason;
      const about = { runId: run.id, subject: run.id, actor: 'system' };
      await this.events.append(tx, { type: 'run.pending', ...about, data: { code, message } });
    });
  }
}
