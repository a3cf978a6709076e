import { Inject, Injectable } from '@nestjs/common';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import type { RunRecord } from '../../ledger/runs/run-record';
import type { Arrangements } from './arrangements';
import type { Gang } from './attempt-plans.service';
import { GangPlacementService } from './gang-placement.service';
import { memoryExhaustion } from './memory-exhaustion';
import { PlacementPlannerService } from './placement-planner.service';
import { RunQueueService } from './run-queue.service';
import { LOGGER } from '../../ground/config/api-logger';
import type { Logger } from '@millrace/core';

/** Layers are measured for so many of the first waiting runs: a device measures one model at a time. */
const MEASURED_AHEAD_MAX = 4;

/**
 * Applies the planner's plan. It decides nothing itself, except that a run which cannot be planned at all has failed.
 */
@Injectable()
export class SchedulingService {
  constructor(
    private readonly queue: RunQueueService,
    private readonly agents: AgentsRepository,
    private readonly planner: PlacementPlannerService,
    private readonly placement: GangPlacementService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Makes one pass over the queue. @returns how many runs were placed */
  async schedule(): Promise<number> {
    const queue = await this.queue.waiting((run, error) => this.queue.unplannable(run, error));
    if (queue.size === 0) return 0;
    const agents = await this.agents.all();
    const planned = await this.planner.plan({ queue, agents, lane: 'runs' });
    const { placements, pending, arrangements, failures, nowMs } = planned;
    let placedCount = 0;
    for (const [runId, error] of failures) await this.queue.unplannable(queue.get(runId)!.run, error);
    for (const { runId, agentIds } of placements) {
      const queued = queue.get(runId);
      if (queued && (await this.place(queued.run, byId(agents, agentIds), arrangements))) placedCount++;
    }
    for (const { runId, reason } of pending) {
      const queued = queue.get(runId);
      const exhausted = queued && memoryExhaustion(queued.run, { ...planned, reason, agents });
      if (exhausted) {
        await this.queue.unplannable(queued.run, exhausted);
        continue;
      }
      // The reason with which its last attempt ended already says until when it waits, and why.
      if (queued && reason.code !== 'RETRY_WAITS') await this.queue.notePending(queued.run, reason, nowMs);
    }
    for (const { runId, idle } of pending.filter((each) => each.idle.length > 0).slice(0, MEASURED_AHEAD_MAX)) {
      const queued = queue.get(runId);
      if (queued) await this.queue.measureMeanwhile(queued.run, byId(agents, idle));
    }
    return placedCount;
  }

  private async place(run: RunRecord, gang: Gang, arrangements: Arrangements): Promise<boolean> {
    const placed = await this.planner
      .split(run, gang, arrangements)
      .then((split) => this.placement.place(run, { placed: split, gang }))
      .catch(async (error: unknown) => {
        await this.queue.unplannable(run, error);
        return false;
      });
    const agents = gang.map(({ id }) => id);
    this.logger.info(
      { runId: run.id, fence: run.fence + 1, agents, placed },
      placed ? 'run placed' : 'placement dropped',
    );
    return placed;
  }
}

function byId(agents: Gang, ids: readonly string[]): Gang {
  return ids.flatMap((id) => agents.find((agent) => agent.id === id) ?? []);
}
