import { RECIPES } from './kinds/recipes';
import { SCHEDULE_NAMES, type ScheduleName } from './schedule';

/** What others must know of a schedule besides its actions; its recipe tells it. */
export interface ScheduleTraits {
  /** Virtual stages per rank if the schedule allows only one number; undefined if the spec chooses. */
  readonly fixedChunks: number | undefined;
  /** Whether every step ends with a barrier, after which all stages have the same version of the weights. */
  readonly flushes: boolean;
  /** Whether ranks end a step at different times, so that updating without a barrier gains something. */
  readonly optimistic: boolean;
  /** Whether every micro-batch is an update of its own, so that a step is one micro-batch. */
  readonly updatesEveryMicroBatch: boolean;
  /** Whether all stages can be made to take one version of the weights for a micro-batch. */
  readonly verticalSync: boolean;
}

/** A schedule that was read from CSV flushes, and has as many chunks as the spec says. */
const OF_CSV: ScheduleTraits = {
  fixedChunks: undefined,
  flushes: true,
  optimistic: false,
  updatesEveryMicroBatch: false,
  verticalSync: false,
};

export function scheduleTraits(name: ScheduleName | 'csv'): ScheduleTraits {
  if (name === 'csv') return OF_CSV;
  const { chunks, mode, optimistic = false, verticalSync = false } = RECIPES[name];
  return {
    fixedChunks: 'fixed' in chunks ? chunks.fixed : undefined,
    flushes: mode === 'flush',
    optimistic,
    updatesEveryMicroBatch: mode === 'stash',
    verticalSync,
  };
}

/** Schedules under which each stage updates its weights by itself, without a barrier of all stages. */
export const FLUSHLESS_SCHEDULES = SCHEDULE_NAMES.filter((name) => !scheduleTraits(name).flushes);

/** Under these all stages can be made to take one version of the weights for a micro-batch. */
export const VERTICAL_SYNC_SCHEDULES = SCHEDULE_NAMES.filter((name) => scheduleTraits(name).verticalSync);

/** Synchronous schedules of one chunk that the planner compares with the one asked for: they train to the same bits. */
export const ADVISED_SCHEDULES = SCHEDULE_NAMES.filter((name) => RECIPES[name].advised);
