import {
  type ComputeTimes,
  type PeakMicroBatches,
  type ScheduleOptions,
  formatTimetable,
  lowerSchedule,
  makeSchedule,
  proveSchedule,
  simulateSchedule,
  toCsv,
  toSvg,
} from '@millrace/pipeline';

export interface TimedScheduleRequest extends ScheduleOptions {
  /** The times of one rank's whole share. */
  readonly times: ComputeTimes;
}

/**
 * The document of `millrace schedule --json`. Times have the unit of the given ones; bubbles count to the end of the
 * step.
 */
interface ScheduleSummary {
  readonly stepTime: number;
  readonly idlePerRank: readonly number[];
  readonly spanIdlePerRank: readonly number[];
  readonly bubbleOfTotal: number;
  readonly bubbleOfIdeal: number;
  readonly peakMicroBatches: PeakMicroBatches;
}

export interface ScheduleReport {
  readonly request: TimedScheduleRequest;
  readonly summary: ScheduleSummary;
  readonly timetable: string;
  readonly csv: string;
}

/** Makes, proves and simulates a schedule in its textbook form, in which B is one action, as the literature counts. */
export function reportSchedule(request: TimedScheduleRequest): ScheduleReport {
  const compute = makeSchedule(request);
  const schedule = lowerSchedule(compute);
  proveSchedule(schedule);
  const { stepTime, idlePerRank, spanIdlePerRank, bubbleOfTotal, bubbleOfIdeal, peakMicroBatches } = simulateSchedule(
    schedule,
    request.times,
  );
  return {
    request,
    summary: { stepTime, idlePerRank, spanIdlePerRank, bubbleOfTotal, bubbleOfIdeal, peakMicroBatches },
    timetable: formatTimetable(compute, request.times),
    csv: toCsv(compute),
  };
}

export function drawScheduleSvg({ request }: ScheduleReport): string {
  return toSvg(makeSchedule(request), request.times);
}
