import { Injectable } from '@nestjs/common';
import { type PlanBody, planNotes, type RunSpec } from '@millrace/contracts';
import { type ModelConfig, newId, type Recompute } from '@millrace/core';
import type { Plan, RunnerUp } from '@millrace/pipeline';
import type { PendingReason } from '@millrace/scheduler';
import { AgentsRepository, type AgentWithLease } from '../../ledger/agents/agents.repository';
import { DatabaseClock } from '../../ground/database/database-clock';
import { speedOf } from '../../ledger/agents/device-speed';
import type { PlanBasis } from '../../ledger/runs/plan-basis';
import { memoryOn, softwareOf, speedsAreKnown } from '../../planning/plans/plannable-device';
import { type PlanningKnowledge, PlanningKnowledgeService } from '../../planning/plans/planning-knowledge.service';
import { PlanningThreads } from '../../planning/plans/planning-threads';
import { PlacementPlannerService, type WaitingRun } from '../../planning/scheduling/placement-planner.service';
import { RunQueueService } from '../../planning/scheduling/run-queue.service';
import type { ExplainedPlan, RunOutline } from '../../planning/threads/planning-tasks';
import { type AdmittedRun, RunAdmissionService } from './run-admission.service';

const MS_PER_SECOND = 1000;

interface TriedPlacement {
  readonly gang: readonly AgentWithLease[];
  readonly pending: PendingReason | undefined;
}

/** Plans a run as the scheduler would now, behind the runs that wait already, and stores nothing. */
@Injectable()
export class DryRunService {
  constructor(
    private readonly admission: RunAdmissionService,
    private readonly agents: AgentsRepository,
    private readonly queue: RunQueueService,
    private readonly planner: PlacementPlannerService,
    private readonly knowledge: PlanningKnowledgeService,
    private readonly threads: PlanningThreads,
    private readonly time: DatabaseClock,
  ) {}

  /** @throws AppError RUN.SPEC_UNFIT */
  async plan(spec: RunSpec): Promise<PlanBody> {
    const admitted = await this.admission.admit(spec, 'questions');
    const agents = await this.agents.all();
    const { gang, pending } = await this.tryPlacement(spec, admitted, agents);
    const { model } = admitted.outline;
    // If the run would get no devices now, the step is predicted for the best devices that are known.
    const basisOf = await this.knowledge.of({ spec }, model, agents);
    const { planned, chosen } = await this.choose(spec, model, { agents: gang.length > 0 ? gang : agents, basisOf });
    const plan = planned?.plan;
    const { outline, timetable, stepTimeMs, bubbleOfTotal, bubbleOfIdeal, peakMicroBatches } = await this.threads.ask(
      'questions',
      'drawnForecast',
      {
        ...{ spec, model, layersPerStage: plan?.layersPerStage, speeds: chosen.map(speedOf) },
        stageSeconds: plan?.stages.map((stage) => stage.times),
      },
    );
    return {
      stages: outline.stages.map((stage, index) =>
        stageBody(stage, index, { plan, outline, gang: gang.length > 0 ? chosen : [] }),
      ),
      memory: memoryOn(chosen.map(softwareOf), outline.memory),
      schedule: { name: outline.schedule.name, microBatches: outline.microBatches },
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
      explanation: stepTimeMs === null || planned === undefined ? null : planned.explanation,
      notes: planNotes(spec),
      timetable,
      basis: plan === undefined ? null : basisBody(basisOf(chosen), spec.parallel.recompute),
      pending:
        pending === undefined ? null : { code: pending.code, message: pending.sentence, nearest: pending.nearest },
    };
  }

  private async tryPlacement(
    spec: RunSpec,
    { outline, datasetId }: AdmittedRun,
    agents: readonly AgentWithLease[],
  ): Promise<TriedPlacement> {
    const queue = new Map<string, WaitingRun>(await this.queue.waiting(() => Promise.resolve(undefined)));
    const createdAt = await this.time.now();
    const run = { id: newId('run'), priority: spec.priority, createdAt, retryAt: null, spec, datasetId };
    queue.set(run.id, { run, outline: spec.parallel.partition === 'auto' ? undefined : outline });
    const { placements, pending, failures } = await this.planner.plan({ queue, agents, lane: 'questions' });
    if (failures.has(run.id)) throw failures.get(run.id);
    const ids = placements.find(({ runId }) => runId === run.id)?.agentIds ?? [];
    return {
      gang: ids.map((id) => agents.find((agent) => agent.id === id)).filter((agent) => agent !== undefined),
      pending: pending.find(({ runId }) => runId === run.id)?.reason,
    };
  }

  /** If the spec fixes the layers, the scheduler has already put the devices in order. */
  private async choose(spec: RunSpec, model: ModelConfig, { agents, basisOf }: OfferedDevices): Promise<ChosenDevices> {
    const { pp, partition } = spec.parallel;
    const offered = partition === 'auto' ? agents : agents.slice(0, pp);
    const { devices, links } = basisOf(offered);
    if (devices.length < pp || !speedsAreKnown(devices)) return { planned: undefined, chosen: offered.slice(0, pp) };
    const deviceOrder = partition === 'auto' ? 'free' : 'given';
    const options = { spec, model, devices, links, deviceOrder, advice: true } as const;
    const planned = await this.threads.ask('questions', 'explainedPlan', options);
    const chosen = planned?.plan.ranks.map(({ device }) => offered[device]).filter((agent) => agent !== undefined);
    return { planned, chosen: chosen ?? offered.slice(0, pp) };
  }
}

interface ChosenDevices {
  /** Undefined when there are too few devices, or when no split fits their memory. */
  readonly planned: ExplainedPlan | undefined;
  /** The agents, indexed by rank. */
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

interface StageContext {
  readonly plan: Plan | undefined;
  readonly outline: RunOutline;
  /** Empty when the run would have to wait. */
  readonly gang: readonly AgentWithLease[];
}

function stageBody(
  stage: RunOutline['stages'][number],
  index: number,
  { plan, outline, gang }: StageContext,
): PlanBody['stages'][number] {
  const { firstLayer, layerCount, embedding, head, parameters, memoryBytes } = stage;
  const rank = outline.schedule.rankOfStage[index] ?? index;
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
