import { Injectable } from '@nestjs/common';
import type { RunSpec } from '@millrace/contracts';
import { AppError, type ModelConfig, type Recompute, RECOMPUTE_SETTINGS } from '@millrace/core';
import type { Plan } from '@millrace/pipeline';
import type { AgentWithLease } from '../../ledger/agents/agents.repository';
import type { PredictedAttempt } from '../../ledger/runs/attempt-record';
import { type PlanBasis, planSizes, storedBasis } from '../../ledger/runs/plan-basis';
import { speedOf } from '../../ledger/agents/device-speed';
import { memoryOn, speedsAreKnown } from './plannable-device';
import { distinctDevices, namelessBasis } from './device-choice';
import { PlanningKnowledgeService } from './planning-knowledge.service';
import { type PlanningLane, PlanningThreads } from './planning-threads';
import { type PlannableRun, RunShapesService, type ShapedRun } from './run-shapes.service';

const CACHED_MAX = 256;
const MS_PER_SECOND = 1000;

/** A run split over its gang, with the predicted times. */
export interface PlacedRun {
  /** The setting under which the attempt runs. */
  readonly spec: RunSpec;
  readonly shaped: ShapedRun;
  readonly predicted: PredictedAttempt;
}

export interface ArrangedRun {
  /** The agents, indexed by rank. */
  readonly gang: readonly AgentWithLease[];
  readonly placed: PlacedRun;
}

/**
 * Splits each run over devices when it is about to start. A plan is a function of the run's sizes and of what was
 * measured of the devices, so that runs of equal sizes on devices of equal kinds share one.
 */
@Injectable()
export class RunPlansService {
  private readonly cache = new Map<string, CachedPlan>();

  constructor(
    private readonly shapes: RunShapesService,
    private readonly knowledge: PlanningKnowledgeService,
    private readonly threads: PlanningThreads,
  ) {}

  /** The best gang among `offered` and the split over it; undefined when no split fits the memory of these devices. */
  async arranged(
    run: PlannableRun,
    offered: readonly AgentWithLease[],
    lane: PlanningLane,
  ): Promise<ArrangedRun | undefined> {
    const model = await this.shapes.model(run);
    const basisOf = await this.knowledge.of(run, model, offered);
    const basis = basisOf(offered);
    const indices = distinctDevices(basis, run.spec.parallel.pp);
    const { recompute: asked } = run.spec.parallel;
    const plan = await this.planned({
      spec: run.spec,
      model,
      basis: namelessBasis(basis, indices),
      deviceOrder: 'free',
      lane,
      // Bits are the same under every setting, so that a run which ran out of memory may use one that needs less of it.
      recompute: run.memoryLimits === undefined ? [asked] : RECOMPUTE_SETTINGS.slice(RECOMPUTE_SETTINGS.indexOf(asked)),
    });
    if (plan === undefined) return undefined;
    const gang = plan.ranks.map(({ device }) => offered[indices[device]!]!);
    const { recompute } = plan.setting;
    const taken = { ...run, spec: { ...run.spec, parallel: { ...run.spec.parallel, recompute } } };
    const shaped = await this.shapes.of(taken, plan.layersPerStage, lane);
    const predicted = await this.predicted(taken, { shaped, plan, basis: basisOf(gang), lane });
    return { gang, placed: { spec: taken.spec, shaped, predicted } };
  }

  /** Places the layers that the spec fixes on the gang, which is indexed by rank. */
  async placed(run: PlannableRun, gang: readonly AgentWithLease[]): Promise<PlacedRun> {
    const shaped = await this.shapes.of(run);
    const { model } = shaped.outline;
    const basis = (await this.knowledge.of(run, model, gang))(gang);
    const indices = gang.map((_, rank) => rank);
    const { spec } = run;
    const settings = { deviceOrder: 'given', recompute: [spec.parallel.recompute], lane: 'runs' } as const;
    const plan = await this.plannedIfPossible({ spec, model, basis: namelessBasis(basis, indices), ...settings });
    return { spec, shaped, predicted: await this.predicted(run, { shaped, plan, basis, lane: 'runs' }) };
  }

  /** Predicted by the planner if it knows every device; else only the roofline's bubble. */
  private async predicted({ spec }: PlannableRun, { shaped, plan, basis, lane }: SplitRun): Promise<PredictedAttempt> {
    const told = plan?.ranks.map(({ memory }) => memory) ?? memoryOn(basis.devices, shaped.outline.memory);
    const rankBytes = told.map(({ total }) => total);
    if (plan === undefined || !speedsAreKnown(basis.devices)) {
      const { model, stages } = shaped.outline;
      const layersPerStage = stages.map(({ layerCount }) => layerCount);
      const speeds = basis.devices.map(speedOf);
      const { stepTimeMs, bubbleOfTotal } = await this.threads.ask(lane, 'forecast', {
        ...{ spec, model, layersPerStage, speeds },
      });
      return { stepTimeMs, bubbleOfTotal, rankBytes };
    }
    return {
      rankBytes,
      stepTimeMs: plan.stepSeconds * MS_PER_SECOND,
      bubbleOfTotal: plan.bubbleOfTotal,
      stageSeconds: plan.stages.map(({ times }) => times),
      basis: storedBasis(basis),
    };
  }

  /** The plan for layers that the spec fixes, even if the planner would have chosen others. */
  private async plannedIfPossible(wanted: WantedPlan): Promise<Plan | undefined> {
    try {
      return await this.planned(wanted);
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
    }
  }

  private planned(wanted: WantedPlan): Promise<Plan | undefined> {
    const key = planKey(wanted);
    const cached = this.cache.get(key);
    // A run does not wait for a plan that was asked for as a question and is not made yet.
    if (cached !== undefined && (cached.isKnown || wanted.lane === 'questions' || cached.lane === 'runs'))
      return cached.plan;
    const [oldest] = this.cache.keys();
    if (oldest !== undefined && this.cache.size >= CACHED_MAX) this.cache.delete(oldest);
    const { spec, model, basis, deviceOrder, recompute, lane } = wanted;
    const plan = this.threads.ask(lane, 'plan', { spec, model, ...basis, deviceOrder, recompute });
    const entry: CachedPlan = { plan, lane, isKnown: false };
    this.cache.set(key, entry);
    plan.then(
      () => (entry.isKnown = true),
      () => this.cache.get(key) === entry && this.cache.delete(key),
    );
    return plan;
  }
}

interface CachedPlan {
  readonly plan: Promise<Plan | undefined>;
  readonly lane: PlanningLane;
  isKnown: boolean;
}

interface SplitRun {
  readonly shaped: ShapedRun;
  /** Undefined when nothing could be planned, and the layers are as the spec fixed them. */
  readonly plan: Plan | undefined;
  /** What is known of the gang's devices and links, on which the plan is based; index = rank. */
  readonly basis: PlanBasis;
  readonly lane: PlanningLane;
}

interface WantedPlan {
  readonly spec: RunSpec;
  readonly model: ModelConfig;
  readonly basis: PlanBasis;
  readonly deviceOrder: 'given' | 'free';
  readonly recompute: readonly Recompute[];
  readonly lane: PlanningLane;
}

/** Everything that a plan depends on. */
function planKey({ spec, model, basis, ...rest }: Omit<WantedPlan, 'lane'>): string {
  const devices = basis.devices.map((device) => [
    device.memoryBytes,
    device.isSoftware,
    speedOf(device),
    device.layers,
  ]);
  return JSON.stringify([planSizes(spec, model), devices, basis.links, rest.deviceOrder, rest.recompute]);
}
