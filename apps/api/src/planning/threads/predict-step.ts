import { type ComputeTimes, type Simulation, simulateStep, type StageTimes } from '@millrace/pipeline';
import { type DeviceSpeed, rooflineTimes } from '../../ledger/agents/device-speed';
import type { RunShape } from './run-shape';

const MS_PER_SECOND = 1000;
/** Stands for every device if the speed of one is not known. */
const NO_SPEED: DeviceSpeed = { gflops: 1, gigabytesPerSecond: Infinity };

export interface PredictedStep {
  /** Null if the speed of a device is not known. */
  readonly stepTimeMs: number | null;
  /** Times are in milliseconds. */
  readonly simulation: Simulation;
  readonly times: StageTimes;
}

/**
 * Simulates the schedule with times that follow from the stages' work and the devices' measured speeds. Unless the
 * speed for every stage is known, the devices count as equal: the bubble is then right, but the step time is unknown.
 * If `stageSeconds` is given, it has the times of the stages as a planner predicted them.
 */
export function predictStep(
  { schedule, stages }: RunShape,
  speeds: readonly (DeviceSpeed | undefined)[],
  stageSeconds?: readonly ComputeTimes[],
): PredictedStep {
  const ofStage = stages.map((_, stage) => speeds[schedule.rankOfStage[stage] ?? stage]);
  const known = stageSeconds !== undefined || ofStage.every((speed) => speed !== undefined);
  const times = {
    stages: stages.map(({ operations }, stage) => {
      const speed = known ? (ofStage[stage] ?? NO_SPEED) : NO_SPEED;
      const { F, I, W } = stageSeconds?.[stage] ?? rooflineTimes(operations, speed);
      return { F: F * MS_PER_SECOND, I: I * MS_PER_SECOND, W: W * MS_PER_SECOND };
    }),
  };
  const simulation = simulateStep(schedule, times);
  return { stepTimeMs: known ? simulation.stepTime : null, simulation, times };
}
