import { Injectable } from '@nestjs/common';
import { planPlacement } from '@millrace/scheduler';
import { AgentsRepository } from '../../ledger/agents/agents.repository';
import { ClusterContext } from '../../ground/config/cluster-context';
import { RunPlansService } from '../plans/run-plans.service';
import { DatabaseClock } from '../../ground/database/database-clock';
import type { RunRecord } from '../../ledger/runs/run-record';
import { type Gang, GangPlacementService } from './gang-placement.service';
import { inventoryAgent } from '../../ledger/agents/inventory';
import { type QueuedRecord, RunQueueService } from './run-queue.service';

/** A device measures one model at a time: only the first runs that wait are looked at. */
const MEASURED_AHEAD_MAX = 4;

/** Applies the planner's plan. Decides nothing itself, except that a run which cannot be planned at all has failed. */
@Injectable()
export class SchedulingService {
  constructor(
    private readonly queue: RunQueueService,
    private readonly agents: AgentsRepository,
    private readonly plans: RunPlansService,
    private readonly placement: GangPlacementService,
    private readonly time: DatabaseClock,
    private readonly context: ClusterContext,
  ) {}

  /** One pass over the queue. @returns how many runs were placed */
  async schedule(): Promise<number> {
    const queue = await this.queue.shaped();
    if (queue.size === 0) return 0;
    const agents = await this.agents.all();
    const { placements, pending } = planPlacement({
      policy: {},
      now: (await this.time.now()).getTime(),
      inventory: agents.map(inventoryAgent),
      queue: await Promise.all(
        [...queue.values()].map(({ run, shaped: { shape } }) => this.plans.queued({ run, shape }, agents)),
      ),
    });
    let placedCount = 0;
    for (const { runId, agentIds } of placements) {
      const queued = queue.get(runId);
      if (queued && (await this.place(queued, byId(agents, agentIds)))) placedCount++;
    }
    for (const { runId, reason } of pending) {
      const queued = queue.get(runId);
      // The reason with which its last attempt ended says until when it waits, and why.
      if (queued && reason.code !== 'RETRY_WAITS') await this.queue.notePending(queued.run, reason);
    }
    for (const { runId, idle } of pending.filter((each) => each.idle.length > 0).slice(0, MEASURED_AHEAD_MAX)) {
      const queued = queue.get(runId);
      if (queued) await this.queue.measureMeanwhile(queued, byId(agents, idle));
    }
    return placedCount;
  }

  private async place({ run }: QueuedRecord, gang: Gang): Promise<boolean> {
    const placed = await this.placeAsPlanned(run, gang).catch(async (error: unknown) => {
      await this.queue.unplannable(run, error);
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
}

function byId(agents: Gang, ids: readonly string[]): Gang {
  return ids.flatMap((id) => agents.find((agent) => agent.id === id) ?? []);
}
