import { Inject, Injectable } from '@nestjs/common';
import { AppError, type Clock, describeError, type Logger } from '@millrace/core';
import { type PendingReason, PLACEABLE_STATES, planPlacement } from '@millrace/scheduler';
import { AgentsRepository } from '../agents/agents.repository';
import { ApiConfig } from '../config/api-config';
import { CLOCK, LOGGER } from '../config/api-logger';
import { PrismaService } from '../database/prisma.service';
import { ClusterSignals } from '../queue/cluster-signals';
import type { RunReason, RunRecord } from '../runs/run-record';
import { RunTransitionsService } from '../runs/run-transitions.service';
import { RunsRepository } from '../runs/runs.repository';
import { type Gang, GangPlacementService } from './gang-placement.service';
import { inventoryAgent, queuedRun } from './inventory';
import { RunShapesService, type ShapedRun } from './run-shapes.service';

/** The sentence of a reason may change with every pass; it is written at most this often while its code stays. */
const REASON_DEBOUNCE_MS = 5_000;

/** Applies the planner's plan. Decides nothing itself, except that a run which cannot be planned at all has failed. */
@Injectable()
export class SchedulingService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly runs: RunsRepository,
    private readonly agents: AgentsRepository,
    private readonly shapes: RunShapesService,
    private readonly placement: GangPlacementService,
    private readonly transitions: RunTransitionsService,
    private readonly signals: ClusterSignals,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** One pass over the queue. @returns how many runs were placed */
  async schedule(): Promise<number> {
    const queue = await this.shapedQueue();
    if (queue.size === 0) return 0;
    const agents = await this.agents.all();
    const nowMs = this.clock.now();
    const { placements, pending } = planPlacement({
      policy: {}, now: nowMs,
      inventory: agents.map((agent) => inventoryAgent(agent, { nowMs, silentMs: this.config.leaseMs })),
      queue: [...queue.values()].map(({ run, shaped }) => queuedRun(run, shaped.shape)),
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
    for (const run of await this.runs.inStates(PLACEABLE_STATES)) {
      const shaped = await this.shapes.of(run).catch((error: unknown) => this.unplannable(run, error));
      if (shaped) queue.set(run.id, { run, shaped });
    }
    return queue;
  }

  private async place({ run, shaped }: QueuedRecord, gang: Gang): Promise<boolean> {
    const placed = await this.placement.place(run, shaped, gang);
    const agents = gang.map(({ id }) => id);
    this.logger.info({ runId: run.id, fence: run.fence + 1, agents, placed }, placed ? 'run placed' : 'placement dropped');
    return placed;
  }

  /** Admission refuses such runs; one from an older version of the API may still be in the queue. */
  private async unplannable(run: RunRecord, error: unknown): Promise<undefined> {
    if (!(error instanceof AppError)) throw error;
    this.logger.error({ runId: run.id, reason: describeError(error) }, 'run cannot be planned');
    const reason = { code: error.code, message: error.message };
    await this.prisma.transaction((tx) => this.transitions.move(tx, run, 'failed', { actor: 'system', reason }));
  }

  private async notePending(run: RunRecord, pending: PendingReason): Promise<void> {
    const reason: RunReason = { code: pending.code, message: pending.sentence, nearest: pending.nearest };
    const before = run.reason;
    if (before?.code === reason.code) {
      const young = this.clock.now() - run.updatedAt.getTime() < REASON_DEBOUNCE_MS;
      if (young || JSON.stringify(before) === JSON.stringify(reason)) return;
    }
    await this.prisma.transaction((tx) => this.runs.update(tx, run, { reason }));
  }
}

interface QueuedRecord {
  readonly run: RunRecord;
  readonly shaped: ShapedRun;
}
