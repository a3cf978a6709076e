import type { RunSpec } from '@millrace/contracts';
import type { ModelConfig } from '@millrace/core';
import {
  type ComputeTimes,
  explainPlan,
  formatTimetable,
  type MeasuredStep,
  type Plan,
  type Schedule,
  type Simulation,
  type TimedAction,
} from '@millrace/pipeline';
import type { DeviceSpeed } from '../../ledger/agents/device-speed';
import type { AttemptRecord } from '../../ledger/runs/attempt-record';
import { compareAttempt } from './compare-attempt';
import { fittingChanges } from './fitting-changes';
import { planIfItFits, type RunPlanOptions } from './plan-run';
import { type PredictedStep, predictStep } from './predict-step';
import { type RunShape, shapeRun } from './run-shape';

/**
 * A run's spec, the model that follows from it, and a split. Without a split the spec's own is used, or an even one.
 */
export interface ShapeTask {
  readonly spec: RunSpec;
  readonly model: ModelConfig;
  readonly layersPerStage?: readonly number[] | undefined;
}

/** A shape without its actions, of which there may be a million. */
export interface RunOutline extends Omit<RunShape, 'schedule' | 'proof'> {
  readonly schedule: Pick<Schedule, 'name' | 'ranks' | 'rankOfStage' | 'stagesOfRank'>;
}

export interface StepTask extends ShapeTask {
  /** The speed of each rank's device, if it is known. */
  readonly speeds: readonly (DeviceSpeed | undefined)[];
  /** The times of each stage, if a planner predicted them. */
  readonly stageSeconds?: readonly ComputeTimes[] | undefined;
}

export interface StepForecast extends Pick<PredictedStep, 'stepTimeMs'> {
  readonly bubbleOfTotal: number;
  readonly bubbleOfIdeal: number;
  readonly peakMicroBatches: Simulation['peakMicroBatches'];
}

export interface DrawnForecast extends StepForecast {
  readonly outline: RunOutline;
  readonly timetable: string;
}

/** A plan with the text that explains it. */
export interface ExplainedPlan {
  readonly plan: Plan;
  readonly explanation: string;
}

/** What the planning threads can do. Every function depends on its argument alone. */
export const PLANNING_WORK = {
  shape: ({ spec, model, layersPerStage }: ShapeTask): RunOutline => outlineOf(shapeRun(spec, model, layersPerStage)),

  plan: (options: RunPlanOptions): Plan | undefined => planIfItFits(options),

  fittingChanges: (options: RunPlanOptions): string => fittingChanges(options),

  explainedPlan: (options: RunPlanOptions): ExplainedPlan | undefined => {
    const plan = planIfItFits(options);
    return plan && { plan, explanation: explainPlan(plan) };
  },

  forecast: (task: StepTask): StepForecast => forecastOf(predicted(task)),

  drawnForecast: (task: StepTask): DrawnForecast => {
    const { shape, ...step } = predicted(task);
    const timetable = formatTimetable(shape.schedule, step.times);
    return { ...forecastOf(step), outline: outlineOf(shape), timetable };
  },

  /**
   * The planned actions by rank; empty if a speed is not known, or if a step has no plan of its own because the
   * schedule does not flush.
   */
  plannedActions: (task: StepTask): readonly (readonly TimedAction[])[] => {
    const { shape, stepTimeMs, simulation } = predicted(task);
    return stepTimeMs === null || shape.schedule.updates.mode !== 'flush' ? [] : simulation.actions;
  },

  compare: ({ attempt, measured, step }: CompareTask): ReturnType<typeof compareAttempt> =>
    compareAttempt(attempt, measured, step),
};

export interface CompareTask {
  readonly attempt: Pick<AttemptRecord, 'plan'>;
  readonly measured: MeasuredStep;
  readonly step: number;
}

export type PlanningWork = typeof PLANNING_WORK;
export type PlanningOperation = keyof PlanningWork;

export interface PlanningTask {
  readonly operation: PlanningOperation;
  readonly input: unknown;
}

function predicted({ speeds, stageSeconds, ...task }: StepTask): PredictedStep & { readonly shape: RunShape } {
  const shape = shapeRun(task.spec, task.model, task.layersPerStage);
  return { shape, ...predictStep(shape, speeds, stageSeconds) };
}

function forecastOf({ stepTimeMs, simulation }: PredictedStep): StepForecast {
  const { bubbleOfTotal, bubbleOfIdeal, peakMicroBatches } = simulation;
  return { stepTimeMs, bubbleOfTotal, bubbleOfIdeal, peakMicroBatches };
}

function outlineOf({ schedule, proof: _, ...shape }: RunShape): RunOutline {
  const { name, ranks, rankOfStage, stagesOfRank } = schedule;
  return { ...shape, schedule: { name, ranks, rankOfStage, stagesOfRank } };
}
