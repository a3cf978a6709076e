import { Inject, Injectable } from '@nestjs/common';
import type { PlanBody, RunSpec } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import { formatTimetable } from '@millrace/pipeline';
import { PLACEABLE_STATES, planPlacement, type PendingReason, type QueuedRun } from '@millrace/scheduler';
import { AgentsRepository, type AgentWithLease } from '../agents/agents.repository';
import { ApiConfig } from '../config/api-config';
import { CLOCK } from '../config/api-logger';
import { RunsRepository } from '../runs/runs.repository';
import { gflopsOf, inventoryAgent, queuedRun } from './inventory';
import { predictStep } from './predict-step';
import type { RunShape } from './run-shape';
import { RunShapesService } from './run-shapes.service';

/** Of the run that is only tried. */
const DRY_RUN_ID = 'this run';

interface TriedPlacement {
  readonly gang: readonly AgentWithLease[];
  readonly pending: PendingReason | undefined;
}

/** Plans a run as the scheduler would now, behind those that wait already, and stores nothing. */
@Injectable()
export class DryRunService {
  constructor(
    private readonly runs: RunsRepository,
    private readonly agents: AgentsRepository,
    private readonly shapes: RunShapesService,
    private readonly config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async plan(spec: RunSpec, shape: RunShape): Promise<PlanBody> {
    const agents = await this.agents.all();
    const { gang, pending } = await this.tryPlacement(spec, shape, agents);
    // Without devices of its own the step is told from the first ones that are known.
    const { stepTimeMs, simulation, times } = predictStep(shape, (gang.length > 0 ? gang : agents).map(gflopsOf));
    const { bubbleOfTotal, bubbleOfIdeal, peakMicroBatches } = simulation;
    return {
      stages: shape.stages.map(({ firstLayer, layerCount, embedding, head, parameters, memoryBytes }, rank) => ({
        rank,
        agent: gang[rank]?.id ?? null,
        firstLayer,
        layerCount,
        embedding,
        head,
        parameters,
        memoryBytes,
      })),
      schedule: { name: shape.schedule.name, microBatches: shape.microBatches },
      predicted: {
        stepTimeMs,
        bubbleOfTotal,
        bubbleOfIdeal,
        peakMicroBatches: {
          untilInput: [...peakMicroBatches.untilInput],
          untilWeight: [...peakMicroBatches.untilWeight],
        },
      },
      timetable: formatTimetable(shape.schedule, times),
      pending:
        pending === undefined ? null : { code: pending.code, message: pending.sentence, nearest: pending.nearest },
    };
  }

  private async tryPlacement(
    spec: RunSpec,
    shape: RunShape,
    agents: readonly AgentWithLease[],
  ): Promise<TriedPlacement> {
    const nowMs = this.clock.now();
    const waiting: QueuedRun[] = [];
    for (const run of await this.runs.inStates(PLACEABLE_STATES))
      waiting.push(queuedRun(run, (await this.shapes.of(run)).shape));
    const tried = queuedRun({ id: DRY_RUN_ID, priority: spec.priority, createdAt: new Date(nowMs), spec }, shape);
    const { placements, pending } = planPlacement({
      policy: {},
      now: nowMs,
      queue: [...waiting, tried],
      inventory: agents.map((agent) => inventoryAgent(agent, { nowMs, silentMs: this.config.leaseMs })),
    });
    const ids = placements.find(({ runId }) => runId === DRY_RUN_ID)?.agentIds ?? [];
    return {
      gang: ids.map((id) => agents.find((agent) => agent.id === id)).filter((agent) => agent !== undefined),
      pending: pending.find(({ runId }) => runId === DRY_RUN_ID)?.reason,
    };
  }
}
