import { lowerSchedule } from '../lower/lower-schedule';
import { flushlessWindow } from '../schedule/asynchronous/flushless-window';
import { makeSchedule } from '../schedule/make-schedule';
import type { Schedule } from '../schedule/schedule';
import { splitBackward } from '../schedule/split-backward';
import type { ScheduleTimes } from './schedule-times';
import { simulateSchedule, type Simulation } from './simulate-schedule';

/** Two runs of one schedule without a flush: the longer one takes `steps` steps of the steady state more. */
export interface SteadyState {
  readonly fill: Schedule;
  readonly whole: Schedule;
  readonly steps: number;
}

/** After so many micro-batches per rank, unequal devices are in step. */
const FILLING_MICRO_BATCHES = 4;
/**
 * Unequal devices may need several micro-batches until their order repeats: over so many of them the mean is that of a
 * long run.
 */
const STEADY_MICRO_BATCHES = 16;

/** Both runs are lowered. Undefined for a schedule that flushes, one step of which is like any other. */
export function steadyState({ name, ranks, updates }: Schedule): SteadyState | undefined {
  if (updates.mode === 'flush') return undefined;
  const { mode, microBatches } = updates;
  const options = { name, ranks, microBatches, ...(mode === 'vertical' ? { verticalSync: true } : {}) };
  const windowSteps = flushlessWindow({ ...options, steps: Infinity }).steps ?? 1;
  const fillSteps = Math.max(windowSteps, Math.ceil((FILLING_MICRO_BATCHES * ranks) / microBatches));
  const steps = Math.ceil(STEADY_MICRO_BATCHES / microBatches);
  const of = (count: number): Schedule => lowerSchedule(splitBackward(makeSchedule({ ...options, steps: count })));
  return { fill: of(fillSteps), whole: of(fillSteps + steps), steps };
}

/**
 * Simulates a step of a lowered schedule as it recurs. Without a flush it is one of the steady state: filling and
 * draining, which happen once per run, are left out, and `actions` are those of the whole simulated run. Throws the
 * errors of simulateSchedule.
 */
export function simulateStep(lowered: Schedule, times: ScheduleTimes): Simulation {
  const steady = steadyState(lowered);
  if (steady === undefined) return simulateSchedule(lowered, times);
  const [fill, whole] = [simulateSchedule(steady.fill, times), simulateSchedule(steady.whole, times)];
  const stepTime = (whole.stepTime - fill.stepTime) / steady.steps;
  const busy = whole.idlePerRank.map(
    (idle, rank) => (whole.stepTime - idle - fill.stepTime + (fill.idlePerRank[rank] ?? 0)) / steady.steps,
  );
  // The step time of a rank that is never idle differs from its busy time only by rounding.
  const idlePerRank = busy.map((time) => Math.max(0, stepTime - time));
  const [idleSum, busySum] = [sum(idlePerRank), sum(busy)];
  return {
    ...whole,
    stepTime,
    idlePerRank,
    spanIdlePerRank: idlePerRank,
    bubbleOfTotal: stepTime === 0 ? 0 : idleSum / (stepTime * busy.length),
    bubbleOfIdeal: busySum === 0 ? 0 : idleSum / busySum,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
