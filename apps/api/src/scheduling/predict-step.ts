import { type Simulation, simulateSchedule, type StageTimes } from '@millrace/pipeline';
import type { RunShape } from './run-shape';

const FLOPS_PER_GFLOP_MS = 1e6;

export interface PredictedStep {
  /** Null when the speed of a device is not known. */
  readonly stepTimeMs: number | null;
  readonly simulation: Simulation;
  readonly times: StageTimes;
}

/**
 * Plays the schedule with times told from the stages' work and the devices' measured matrix product. Without a speed
 * for every stage the devices count as equal: the bubble is then right and the step time unknown.
 */
export function predictStep({ schedule, stages }: RunShape, gflops: readonly (number | undefined)[]): PredictedStep {
  const known = stages.every((_, stage) => (gflops[stage] ?? 0) > 0);
  const stageTimes = stages.map(({ flops }, stage) => {
    const perMs = (known ? (gflops[stage] ?? 1) : 1) * FLOPS_PER_GFLOP_MS;
    return { F: flops.forward / perMs, I: flops.backwardInput / perMs, W: flops.backwardWeight / perMs };
  });
  const times = { stages: stageTimes };
  const simulation = simulateSchedule(schedule, times);
  return { stepTimeMs: known ? simulation.stepTime : null, simulation, times };
}
