import { Injectable } from '@nestjs/common';
import type { PlanBody, RunSpec } from '@millrace/contracts';
import type { Recompute } from '@millrace/core';
import { explainPlan, formatTimetable, type Plan, type RunnerUp } from '@millrace/pipeline';
import { PLACEABLE_STATES, planPlacement, type PendingReason, type QueuedRun } from '@millrace/scheduler';
import { AgentsRepository, type AgentWithLease } from '../../ledger/agents/agents.repository';
import { DatabaseClock } from '../../ground/database/database-clock';
import { RunsRepository } from '../../ledger/runs/runs.repository';
import { speedOf } from '../../ledger/agents/device-speed';
import { speedsAreKnown } from '../../planning/plans/plan-run';
import type { PlanBasis } from '../../ledger/runs/plan-basis';
import { type PlanningKnowledge, PlanningKnowledgeService } from '../../planning/plans/planning-knowledge.service';
import { planIfItFits, RunPlansService } from '../../planning/plans/run-plans.service';
import { inventoryAgent } from '../../ledger/agents/inventory';
import { predictStep } from '../../planning/plans/predict-step';
import { type RunShape, shapeRun, type StageShape } from '../../planning/plans/run-shape';

/** Of the run that is only tried. */
const DRY_RUN_ID = 'this run';
const MS_PER_SECOND = 1000;

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
    private readonly plans: RunPlansService,
    private readonly knowledge: PlanningKnowledgeService,
    private readonly time: DatabaseClock,
  ) {}

  async plan(spec: RunSpec, unplaced: RunShape): Promise<PlanBody> {
    const agents = await this.agents.all();
    const { gang, pending } = await this.tryPlacement(spec, unplaced, agents);
    // Without devices of its own the step is told from the best ones that are known.
    const basisOf = await this.knowledge.of({ spec }, unplaced.model, agents);
    const { plan, chosen } = choose(spec, unplaced, { agents: gang.length > 0 ? gang : agents, basisOf });
    const shape = plan === undefined ? unplaced : shapeRun(spec, unplaced.model, plan.layersPerStage);
    const { stepTimeMs, simulation, times } = predictStep(
      shape,
      chosen.map(speedOf),
      plan?.stages.map((stage) => stage.times),
    );
    const { bubbleOfTotal, bubbleOfIdeal, peakMicroBatches } = simulation;
    return {
      stages: shape.stages.map((stage, index) =>
        stageBody(stage, index, { plan, shape, gang: gang.length > 0 ? chosen : [] }),
      ),
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
      runnerUps: stepTimeMs === null || plan === undefined ? [] : plan.runnerUps.map(runnerUpBody),
      explanation: stepTimeMs === null || plan === undefined ? null : explainPlan(plan),
      timetable: formatTimetable(shape.schedule, times),
      basis: plan === undefined ? null : basisBody(basisOf(chosen), spec.parallel.recompute),
      pending:
        pending === undefined ? null : { code: pending.code, message: pending.sentence, nearest: pending.nearest },
    };
  }

  private async tryPlacement(
    spec: RunSpec,
    shape: RunShape,
    agents: readonly AgentWithLease[],
  ): Promise<TriedPlacement> {
    const now = await this.time.now();
    const waiting: QueuedRun[] = [];
    for (const run of await this.runs.inStates(PLACEABLE_STATES))
      waiting.push(await this.plans.queued({ run, shape: (await this.plans.unplaced(run)).shape }, agents));
    const run = { id: DRY_RUN_ID, priority: spec.priority, createdAt: now, retryAt: null, spec };
    const tried = await this.plans.queued({ run, shape }, agents);
    const { placements, pending } = planPlacement({
      policy: {},
      now: now.getTime(),
      queue: [...waiting, tried],
      inventory: agents.map(inventoryAgent),
    });
    const ids = placements.find(({ runId }) => runId === DRY_RUN_ID)?.agentIds ?? [];
    return {
      gang: ids.map((id) => agents.find((agent) => agent.id === id)).filter((agent) => agent !== undefined),
      pending: pending.find(({ runId }) => runId === DRY_RUN_ID)?.reason,
    };
  }
}

interface ChosenDevices {
  /** Undefined when there are too few devices, or their memory holds no split. */
  readonly plan: Plan | undefined;
  /** Index = rank. */
  readonly chosen: readonly AgentWithLease[];
}

interface OfferedDevices {
  readonly agents: readonly AgentWithLease[];
  readonly basisOf: PlanningKnowledge;
}

function basisBody({ devices, links }: PlanBasis, recompute: Recompute): PlanBody['basis'] {
  return {
    devices: devices.map(({ label, layers }) => ({
      device: label,
      layers: layers?.[recompute] === undefined ? 'estimated' : 'measured',
    })),
    links: links.slice(1).map((_, rank) => (links[rank]?.[rank + 1] === undefined ? 'unknown' : 'measured')),
  };
}

/** Where the spec fixes the layers, the scheduler has put the devices in order already. */
function choose(spec: RunSpec, { model }: RunShape, { agents, basisOf }: OfferedDevices): ChosenDevices {
  const { pp, partition } = spec.parallel;
  const offered = partition === 'auto' ? agents : agents.slice(0, pp);
  const { devices, links } = basisOf(offered);
  if (devices.length < pp || !speedsAreKnown(devices)) return { plan: undefined, chosen: offered.slice(0, pp) };
  const deviceOrder = partition === 'auto' ? 'free' : 'given';
  const plan = planIfItFits({ spec, model, devices, links, deviceOrder, advice: true });
  const chosen = plan?.ranks.map(({ device }) => offered[device]).filter((agent) => agent !== undefined);
  return { plan, chosen: chosen ?? offered.slice(0, pp) };
}

interface StageContext {
  readonly plan: Plan | undefined;
  readonly shape: RunShape;
  /** Empty when it would have to wait. */
  readonly gang: readonly AgentWithLease[];
}

function stageBody(stage: StageShape, index: number, { plan, shape, gang }: StageContext): PlanBody['stages'][number] {
  const { firstLayer, layerCount, embedding, head, parameters, memoryBytes } = stage;
  const rank = shape.schedule.rankOfStage[index] ?? index;
  const memory = plan?.stages[index]?.memory;
  return {
    rank,
    agent: gang[rank]?.id ?? null,
    firstLayer,
    layerCount,
    embedding,
    head,
    parameters,
    memoryBytes,
    memory: memory ?? null,
  };
}

function runnerUpBody({ name, outline, reason }: RunnerUp): PlanBody['runnerUps'][number] {
  return {
    name,
    reason,
    layersPerStage: outline === undefined ? null : [...outline.layersPerStage],
    devices: outline === undefined ? null : [...outline.devices],
    stepTimeMs: outline === undefined ? null : outline.stepSeconds * MS_PER_SECOND,
    bubbleOfTotal: outline === undefined ? null : outline.bubbleOfTotal,
    fits: outline?.fits ?? false,
  };
}
