import { Injectable } from '@nestjs/common';
import { AppError, describeError } from '@millrace/core';
import { type PendingReason, PLACEABLE_STATES, planPlacement } from '@millrace/scheduler';
import { AgentsRepository } from '../agents/agents.repository';
import { ClusterContext } from '../cluster-context';
import { RunPlansService } from '../planning/run-plans.service';
import { ProfileRequestsService } from '../profiling/profile-requests.service';
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
    private readonly profiles: ProfileRequestsService,
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
    const offered = new Map<string, Gang>();
    const { placements, pending } = planPlacement({
      policy: {},
      now: nowMs,
      inventory: agents.map((agent) => inventoryAgent(agent, { nowMs, silentMs: this.context.config.leaseMs })),
      queue: await Promise.all(
        [...queue.values()].map(({ run, shaped: { shape } }) =>
          this.plans.queued(run, shape, agents, (devices) => offered.set(run.id, devices)),
        ),
      ),
    });
    let placedCount = 0;
    for (const { runId, agentIds } of placements) {
      const queued = queue.get(runId);
      const gang = agentIds.map((id) => agents.find((agent) => agent.id === id)).filter((agent) => agent !== undefined);
      // Its devices stay free for it meanwhile: nobody else was given them in this pass.
      if (!queued || (await this.waitsForTimes(queued, offered.get(runId) ?? []))) continue;
      if (await this.place(queued, gang)) placedCount++;
    }
    for (const { runId, reason } of pending) {
      const queued = queue.get(runId);
      if (queued) await this.notePending(queued.run, reason);
    }
    if (placedCount > 0) this.signals.commands();
    return placedCount;
  }

  private async waitsForTimes({ run, shaped }: QueuedRecord, devices: Gang): Promise<boolean> {
    if (!(await this.profiles.isAwaited(run.spec, shaped.shape.model, devices))) return false;
    const reason = {
      code: 'LAYERS_MEASURED',
      message: 'waits a moment: the layers of its model are measured on the devices that it may have',
    };
    if (run.reason?.code !== reason.code) await this.ledger.note((tx) => this.ledger.runs.update(tx, run, { reason }));
    return true;
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
    const placed = await this.plans.placed(run, gang);
    return placed !== undefined && (await this.placement.place(run, { placed, gang }));
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
