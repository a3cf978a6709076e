import { Injectable } from '@nestjs/common';
import { type PlacementPlan, planPlacement } from '@millrace/scheduler';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import { inventoryAgent } from '../../ledger/agents/inventory';
import { DatabaseClock } from '../../ground/database/database-clock';
import { queuedRun } from '../plans/queued-run';
import type { PlanningLane } from '../plans/planning-threads';
import { type PlacedRun, RunPlansService } from '../plans/run-plans.service';
import { Arrangements } from './arrangements';
import { FittingChangesService } from './fitting-changes.service';
import type { PlannableRun } from '../plans/run-shapes.service';
import type { RunOutline } from '../threads/planning-tasks';

export interface WaitingRun<Run extends PlannableRun = PlannableRun> {
  readonly run: Run;
  /** Undefined if the planner splits the layers. */
  readonly outline: RunOutline | undefined;
}

export interface WaitingRuns {
  /** The waiting runs by id. */
  readonly queue: ReadonlyMap<string, WaitingRun>;
  readonly agents: readonly AgentWithLease[];
  /** Who waits for what must be planned. */
  readonly lane: PlanningLane;
}

export interface PlannedPlacement extends PlacementPlan {
  readonly arrangements: Arrangements;
  /** When it was made, in milliseconds since 1970 by the database's clock. */
  readonly nowMs: number;
  /** Runs that could not be planned; they are in neither list. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/**
 * Asks the scheduler, and plans on the threads, one run after the other, what it must know about the next run. It
 * changes nothing.
 */
@Injectable()
export class PlacementPlannerService {
  constructor(
    private readonly plans: RunPlansService,
    private readonly time: DatabaseClock,
    private readonly changes: FittingChangesService,
  ) {}

  async plan({ queue, agents, lane }: WaitingRuns): Promise<PlannedPlacement> {
    const arrangements = new Arrangements();
    const failures = new Map<string, unknown>();
    const nowMs = (await this.time.now()).getTime();
    const inventory = agents.map(inventoryAgent);
    const runs = new Map(
      [...queue].map(([id, { run, outline }]) => [id, queuedRun(run, outline, arrangements.arranger(id))]),
    );
    // Each turn finds out about a run and devices of which nothing was known, so that there are few turns.
    for (;;) {
      const plan = planPlacement({ policy: {}, now: nowMs, inventory, queue: [...runs.values()] });
      if (plan.undecided === undefined) {
        const pending = await this.changes.told(plan.pending, queue, { agents, lane });
        return { ...plan, pending, arrangements, failures, nowMs };
      }
      const { runId, agentIds } = plan.undecided;
      const { run } = queue.get(runId)!;
      const offered = agentIds.flatMap((id) => agents.find((agent) => agent.id === id) ?? []);
      try {
        arrangements.note(runId, offered, (await this.plans.arranged(run, offered, lane)) ?? 'none');
      } catch (error) {
        failures.set(runId, error);
        runs.delete(runId);
      }
    }
  }

  /** Splits the run over the gang that `plan` gave it, indexed by rank. @throws AppError PIPELINE.*, PLANNING.* */
  async split(run: PlannableRun, gang: readonly AgentWithLease[], arrangements: Arrangements): Promise<PlacedRun> {
    const arranged = arrangements.of(run.id);
    return arranged === undefined ? this.plans.placed(run, gang) : arranged.placed;
  }
}
