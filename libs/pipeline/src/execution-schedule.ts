import { lowerSchedule } from './lower/lower-schedule';
import { proveSchedule, type ScheduleProof } from './proof/prove-schedule';
import { makeSchedule } from './schedule/make-schedule';
import type { Schedule } from './schedule/schedule';
import type { ScheduleOptions } from './schedule/schedule-constraints';
import { splitBackward } from './schedule/split-backward';

export interface ExecutionSchedule {
  readonly schedule: Schedule;
  readonly proof: ScheduleProof;
}

/**
 * What an attempt runs: lowered from the split form, so that gradients leave before W, and proved. API and agents make
 * it from the same numbers, and therefore have the same plan.
 */
export function executionSchedule(options: ScheduleOptions): ExecutionSchedule {
  const schedule = lowerSchedule(splitBackward(makeSchedule(options)));
  return { schedule, proof: proveSchedule(schedule) };
}
