import type { ComputeTimes } from '../simulate/schedule-times';
import { makePlan } from './make-plan';
import type { Plan } from './plan';
import type { LayerCost, LayerSetting, PlanRequest, Workload } from './plan-request';
import { planRequestInvalid } from './planner.errors';

/** A plan is clearly wrong when one made from what was measured takes at least this fraction less time. */
export const CLEARLY_WRONG_GAIN = 0.1;

export interface MeasuredStep {
  /** The duration of the whole step: a median over some steps, without the first one. */
  readonly stepSeconds: number;
  /** Seconds of one micro-batch, index = stage. */
  readonly stages: readonly ComputeTimes[];
}

export interface StageComparison {
  readonly stage: number;
  readonly rank: number;
  readonly device: string;
  readonly predicted: ComputeTimes;
  readonly measured: ComputeTimes;
  /** Measured divided by predicted time, for F + I + W together; 1 if nothing was predicted. */
  readonly ratio: number;
}

export interface PlanComparison {
  readonly predictedStepSeconds: number;
  readonly measuredStepSeconds: number;
  /**
   * What the simulation predicts for the plan with the stages' measured times; the difference to the measured step are
   * waits that it does not know.
   */
  readonly simulatedStepSeconds: number;
  readonly stages: readonly StageComparison[];
  /** By which factor a device's layers took longer than predicted, index = device of the request. */
  readonly factors: readonly ComputeTimes[];
  /** The plan made for the same request with measured costs. */
  readonly better: Plan;
  /** The share of time that a change would save: 1 - better / simulated, both predicted from the same costs. */
  readonly gain: number;
  /** Whether `gain` is at least CLEARLY_WRONG_GAIN. */
  readonly isClearlyWrong: boolean;
}

/**
 * Compares prediction and measurement, and finds the plan that the planner would make from what was measured. All
 * layers of a device are assumed to be wrong by the factor by which its stages were, separately for F, I and W: a
 * stage's times do not tell its layers apart.
 *
 * Throws PIPELINE.PLAN_REQUEST_INVALID when the measurement has other stages than the plan.
 */
export function comparePlan(request: PlanRequest, plan: Plan, measured: MeasuredStep): PlanComparison {
  checkMeasured(plan, measured);
  const factors = request.devices.map((_, device) => deviceFactors(plan, measured, device));
  const corrected = correctedRequest(request, factors);
  const simulatedStepSeconds = stepOfSamePlan(corrected, plan);
  const better = makePlan(corrected);
  const gain = 1 - better.stepSeconds / simulatedStepSeconds;
  return {
    predictedStepSeconds: plan.stepSeconds,
    measuredStepSeconds: measured.stepSeconds,
    simulatedStepSeconds,
    stages: plan.stages.map(({ stage, rank, times }) => ({
      stage,
      rank,
      device: plan.devices[rank]!,
      predicted: times,
      measured: measured.stages[stage]!,
      ratio: factor(total(measured.stages[stage]!), total(times)),
    })),
    factors,
    better,
    gain,
    isClearlyWrong: gain >= CLEARLY_WRONG_GAIN,
  };
}

function checkMeasured(plan: Plan, { stages, stepSeconds }: MeasuredStep): void {
  const times = [stepSeconds, ...stages.flatMap(({ F, I, W }) => [F, I, W])];
  if (stages.length === plan.stages.length && times.every((time) => time >= 0 && time < Infinity)) return;
  throw planRequestInvalid(
    `${stages.length} stages were measured and the plan has ${plan.stages.length}: give the finite times of each`,
  );
}

/** The step time of the same plan with the corrected costs; nothing is searched. */
function stepOfSamePlan(request: PlanRequest, plan: Plan): number {
  return makePlan({
    ...request,
    devices: plan.ranks.map(({ device }) => withoutLimit(request.devices[device]!)),
    deviceOrder: 'given',
    links: plan.ranks.map((from) => plan.ranks.map((to) => request.links?.[from.device]?.[to.device])),
    candidates: [plan.setting],
    layersPerStage: plan.layersPerStage,
  }).stepSeconds;
}

/** The plan runs already, so that its memory fits, whatever the device's memory was said to be. */
function withoutLimit({ label, kind, speed = 1 }: PlanRequest['devices'][number]): PlanRequest['devices'][number] {
  return { label, kind, speed };
}

/**
 * Makes every device a kind of its own, with the costs of its kind multiplied by the factor by which its stages were
 * wrong.
 */
function correctedRequest(request: PlanRequest, factors: readonly ComputeTimes[]): PlanRequest {
  const kinds = request.devices.map(({ kind }, device) => ({
    kind,
    own: `${kind} #${device}`,
    factors: factors[device]!,
  }));
  const correct = (layer: LayerCost): LayerCost => correctedLayer(layer, kinds);
  return {
    ...request,
    devices: request.devices.map((device, index) => ({ ...device, kind: kinds[index]!.own })),
    workloads: request.workloads.map((workload): Workload => ({
      ...workload,
      embedding: correct(workload.embedding),
      blocks: workload.blocks.map(correct),
      head: correct(workload.head),
    })),
  };
}

interface CorrectedKind {
  readonly kind: string;
  readonly own: string;
  readonly factors: ComputeTimes;
}

function correctedLayer(layer: LayerCost, kinds: readonly CorrectedKind[]): LayerCost {
  const correct = (setting: LayerSetting): LayerSetting => ({
    ...setting,
    seconds: Object.fromEntries(
      kinds.flatMap(({ kind, own, factors }) => {
        const times = setting.seconds[kind];
        if (times === undefined) return [];
        return [[own, { F: times.F * factors.F, I: times.I * factors.I, W: times.W * factors.W }]];
      }),
    ),
  });
  const settings = Object.entries(layer.settings).map(([name, setting]) => [name, correct(setting)] as const);
  return { ...layer, settings: Object.fromEntries(settings) };
}

/** A device that the plan does not use is assumed to be wrong by the average factor of the devices that it uses. */
function deviceFactors(plan: Plan, measured: MeasuredStep, device: number): ComputeTimes {
  const own = plan.stages.filter(({ rank }) => plan.ranks[rank]!.device === device);
  const stages = own.length > 0 ? own : plan.stages;
  const of = (kind: keyof ComputeTimes): number =>
    factor(
      stages.reduce((sum, { stage }) => sum + measured.stages[stage]![kind], 0),
      stages.reduce((sum, { times }) => sum + times[kind], 0),
    );
  return { F: of('F'), I: of('I'), W: of('W') };
}

/** 1 if nothing was predicted or nothing was measured, because then nothing is known. */
function factor(measured: number, predicted: number): number {
  return predicted > 0 && measured > 0 ? measured / predicted : 1;
}

function total({ F, I, W }: ComputeTimes): number {
  return F + I + W;
}
