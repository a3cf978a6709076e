import { SCHEDULE_NAMES, type ScheduleName } from '@millrace/pipeline';

/** The state of the schedules page that its address holds: a schedule's numbers and the times of F, I and W. */
export interface ScheduleSearch {
  readonly name: ScheduleName;
  /** Ranks, micro-batches and chunks per rank; v = 0 leaves the number of chunks to the schedule. */
  readonly p: number;
  readonly m: number;
  readonly v: number;
  readonly times: string;
}

const FIRST: ScheduleSearch = { name: '1f1b', p: 4, m: 8, v: 0, times: '1,1,1' };

export function readScheduleSearch(search: Record<string, unknown>): ScheduleSearch {
  const name = SCHEDULE_NAMES.find((known) => known === search.name) ?? FIRST.name;
  const count = (key: 'p' | 'm' | 'v'): number => {
    const value = Number(search[key]);
    return Number.isInteger(value) && value >= (key === 'v' ? 0 : 1) && value <= 4096 ? value : FIRST[key];
  };
  // A text that consists of one number is read from an address as a number.
  const times = search.times === undefined ? FIRST.times : String(search.times);
  return { name, p: count('p'), m: count('m'), v: count('v'), times };
}
