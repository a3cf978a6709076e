import { chunksUnsupported, scheduleSizeInvalid, scheduleUnknown } from '../pipeline.errors';
import type { Action } from './action';
import { gpipe } from './gpipe';
import { oneFOneB } from './one-f-one-b';
import { SCHEDULE_NAMES, type Schedule, type ScheduleName } from './schedule';

export interface ScheduleOptions {
  /** One of SCHEDULE_NAMES. */
  readonly name: string;
  /** p >= 1 */
  readonly ranks: number;
  /** m >= 1 */
  readonly microBatches: number;
  /** v; the schedules of this build have 1 (default). */
  readonly chunks?: number;
}

interface Recipe {
  /** The compute actions of one rank. */
  actions(rank: number, ranks: number, microBatches: number): Action[];
  /** The formula for the most micro-batches in flight on a rank. */
  inFlight(rank: number, ranks: number, microBatches: number): number;
}

const RECIPES: Readonly<Record<ScheduleName, Recipe>> = {
  gpipe: {
    actions: (rank, _ranks, microBatches) => gpipe(rank, microBatches),
    inFlight: (_rank, _ranks, microBatches) => microBatches,
  },
  '1f1b': {
    actions: oneFOneB,
    inFlight: (rank, ranks, microBatches) => Math.min(ranks - rank, microBatches),
  },
};

/** Bounds the memory that a dry run of an absurd request can take. */
export const MAX_CELLS = 2 ** 18;
const MAX_RANKS = 1024;

/** The compute-only schedule (F and B). Throws PIPELINE.SCHEDULE_UNKNOWN, .SIZE_INVALID, .CHUNKS_UNSUPPORTED. */
export function makeSchedule(options: ScheduleOptions): Schedule {
  const { name, ranks, microBatches, chunks = 1 } = options;
  if (!isScheduleName(name)) throw scheduleUnknown(name, SCHEDULE_NAMES);
  if (chunks !== 1) throw chunksUnsupported(name, chunks);
  checkSize(ranks, microBatches);
  const recipe = RECIPES[name];
  const each = Array.from({ length: ranks }, (_, rank) => rank);
  return {
    name,
    ranks,
    chunks,
    stages: ranks,
    microBatches,
    rankOfStage: each,
    stagesOfRank: each.map((rank) => [rank]),
    inFlightLimit: each.map((rank) => recipe.inFlight(rank, ranks, microBatches)),
    lowered: false,
    actions: each.map((rank) => recipe.actions(rank, ranks, microBatches)),
  };
}

function isScheduleName(name: string): name is ScheduleName {
  return (SCHEDULE_NAMES as readonly string[]).includes(name);
}

function checkSize(ranks: number, microBatches: number): void {
  const whole = Number.isInteger(ranks) && Number.isInteger(microBatches) && ranks >= 1 && microBatches >= 1;
  const small = ranks <= MAX_RANKS && ranks * microBatches <= MAX_CELLS;
  if (!whole || !small) throw scheduleSizeInvalid(ranks, microBatches, { maxRanks: MAX_RANKS, maxCells: MAX_CELLS });
}
