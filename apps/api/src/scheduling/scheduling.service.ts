import { Injectable } from '@nestjs/common';
import { AppError, describeError } from '@millrace/core';
import { type PendingReason, PLACEABLE_STATES, planPlacement } from '@millrace/scheduler';
import { AgentsRepository } from '../agents/agents.repository';
import { ClusterContext } from '../cluster-context';
import { RunPlansService } from '../planning/run-plans.service';
import { ClusterSignals } from '../queue/cluster-signals';
import { RunLedger } from '../runs/run-ledger';
import type { RunReason, RunRecord } from '../runs/run-record';
import { type Gang, GangPlacementService } from './gang-placement.service';
import { inventoryAgent } from './inventory';
import type { ShapedRun } from './run-shapes.service';

/** The sentence of a reason may change with every pass; it is written at most this often while its code stays. */
const REASON_DEBOUNCE_MS = 5_000;

/** Applies the planner's plan. Decides nothing itself, except that a run which cannot be planned at all has failed. */
@Injectable()
export class SchedulingService {
  constructor(
    private readonly ledger: RunLedger,
    private readonly agents: AgentsRepository,
    private readonly plans: RunPlansService,
    private readonly placement: GangPlacementService,
    private readonly signals: ClusterSignals,
    private readonly context: ClusterContext,
  ) {}

  /** One pass over the queue. @returns how many runs were placed */
  async schedule(): Promise<number> {
    const queue = await this.shapedQueue();
    if (queue.size === 0) return 0;
    const agents = await this.agents.all();
    const nowMs = this.context.clock.now();
    const { placements, pending } = planPlacement({
      policy: {},
      now: nowMs,
      inventory: agents.map((agent) => inventoryAgent(agent, { nowMs, silentMs: this.context.config.leaseMs })),
      queue: [...queue.values()].map(({ run, shaped: { shape } }) => this.plans.queued(run, shape, agents)),
    });
    let placedCount = 0;
    for (const { runId, agentIds } of placements) {
      const queued = queue.get(runId);
      const gang = agentIds.map((id) => agents.find((agent) => agent.id === id)).filter((agent) => agent !== undefined);
      if (queued && (await this.place(queued, gang))) placedCount++;
    }
    for (const { runId, reason } of pending) {
      const queued = queue.get(runId);
      if (queued) await this.notePending(queued.run, reason);
    }
    if (placedCount > 0) this.signals.commands();
    return placedCount;
  }

  private async shapedQueue(): Promise<Map<string, QueuedRecord>> {
    const queue = new Map<string, QueuedRecord>();
    for (const waiting of await this.ledger.runs.inStates(PLACEABLE_STATES)) {
      const run = await this.placement.withHeldSplit(waiting);
      const shaped = await this.plans.unplaced(run).catch((error: unknown) => this.unplannable(run, error));
      if (shaped) queue.set(run.id, { run, shaped });
    }
    return queue;
  }

  private async place({ run }: QueuedRecord, gang: Gang): Promise<boolean> {
    const placed = await this.placeAsPlanned(run, gang).catch(async (error: unknown) => {
      await this.unplannable(run, error);
      return false;
    });
    const agents = gang.map(({ id }) => id);
    this.context.logger.info(
      { runId: run.id, fence: run.fence + 1, agents, placed },
      placed ? 'run placed' : 'placement dropped',
    );
    return placed;
  }

  private async placeAsPlanned(run: RunRecord, gang: Gang): Promise<boolean> {
    const shaped = await this.plans.placed(run, gang);
    return shaped !== undefined && (await this.placement.place(run, { shaped, gang }));
  }

  /** One run that cannot be planned must not keep the others waiting: it fails, with the reason. */
  private async unplannable(run: RunRecord, error: unknown): Promise<undefined> {
    if (!(error instanceof AppError)) throw error;
    this.context.logger.error({ runId: run.id, reason: describeError(error) }, 'run cannot be planned');
    const reason = { code: error.code, message: error.message };
    await this.ledger.note((tx) => this.ledger.transitions.move(tx, run, { to: 'failed', actor: 'system', reason }));
  }

  private async notePending(run: RunRecord, pending: PendingReason): Promise<void> {
    const reason: RunReason = { code: pending.code, message: pending.sentence, nearest: pending.nearest };
    const before = run.reason;
    if (before?.code === reason.code) {
      const young = this.context.clock.now() - run.updatedAt.getTime() < REASON_DEBOUNCE_MS;
      if (young || JSON.stringify(before) === JSON.stringify(reason)) return;
    }
    await this.ledger.note((tx) => this.ledger.runs.update(tx, run, { reason }));
  }
}

interface QueuedRecord {
  readonly run: RunRecord;
  readonly shaped: ShapedRun;
}
