import { Injectable } from '@nestjs/common';
import { AppError, describeError } from '@millrace/core';
import { type PendingReason, PLACEABLE_STATES } from '@millrace/scheduler';
import { ClusterContext } from '../../ground/config/cluster-context';
import { RunPlansService } from '../plans/run-plans.service';
import { ProfileRequestsService } from '../profiling/profile-requests.service';
import { RunLedger } from '../../ledger/runs/run-ledger';
import type { RunReason, RunRecord } from '../../ledger/runs/run-record';
import { type Gang, GangPlacementService } from './gang-placement.service';
import type { ShapedRun } from '../plans/run-shapes.service';

/** The sentence of a reason may change with every pass; it is written at most this often while its code stays. */
const REASON_DEBOUNCE_MS = 5_000;

/** Runs that wait for devices, and why they do. */
@Injectable()
export class RunQueueService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly plans: RunPlansService,
    private readonly profiles: ProfileRequestsService,
    private readonly placement: GangPlacementService,
    private readonly context: ClusterContext,
  ) {}

  /** By id; a run that cannot be planned at all fails here. */
  async shaped(): Promise<Map<string, QueuedRecord>> {
    const queue = new Map<string, QueuedRecord>();
    for (const waiting of await this.ledger.runs.inStates(PLACEABLE_STATES)) {
      const run = await this.placement.withHeldSplit(waiting);
      const shaped = await this.plans.unplaced(run).catch((error: unknown) => this.unplannable(run, error));
      if (shaped) queue.set(run.id, { run, shaped });
    }
    return queue;
  }

  /** A run that waits gives the time to measure its layers on devices that are idle meanwhile. */
  async measureMeanwhile({ run, shaped }: QueuedRecord, idle: Gang): Promise<void> {
    await this.profiles.askFor(run.spec, shaped.shape.model, idle);
  }

  /** One run that cannot be planned must not keep the others waiting: it fails, with the reason. */
  async unplannable(run: RunRecord, error: unknown): Promise<undefined> {
    if (!(error instanceof AppError)) throw error;
    this.context.logger.error({ runId: run.id, reason: describeError(error) }, 'run cannot be planned');
    const reason = { code: error.code, message: error.message };
    await this.ledger.note((tx) => this.ledger.transitions.move(tx, run, { to: 'failed', actor: 'system', reason }));
  }

  async notePending(run: RunRecord, pending: PendingReason): Promise<void> {
    const reason: RunReason = { code: pending.code, message: pending.sentence, nearest: pending.nearest };
    const before = run.reason;
    if (before?.code === reason.code) {
      const young = this.context.clock.now() - run.updatedAt.getTime() < REASON_DEBOUNCE_MS;
      if (young || JSON.stringify(before) === JSON.stringify(reason)) return;
    }
    await this.ledger.note(async (tx) => {
      if (!(await this.ledger.runs.update(tx, run, { reason }))) return;
      const { code, message } = reason;
      const about = { runId: run.id, subject: run.id, actor: 'system' };
      await this.ledger.transitions.note(tx, { type: 'run.pending', ...about, data: { code, message } });
    });
  }
}

export interface QueuedRecord {
  readonly run: RunRecord;
  readonly shaped: ShapedRun;
}
