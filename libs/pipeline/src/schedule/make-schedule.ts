import type { Action } from './action';
import { type Recipe, RECIPES } from './kinds/recipes';
import type { ScheduleShape } from './kinds/shape';
import type { Schedule, ScheduleName, WeightUpdates } from './schedule';
import { requireValid, type ScheduleOptions } from './schedule-constraints';
import { readSchedule } from './read-schedule';

/**
 * Makes the compute-only schedule (F and B, or F, I and W). Throws what `scheduleConstraints` finds first:
 * PIPELINE.SCHEDULE_UNKNOWN, .SIZE_INVALID, .CHUNKS_UNSUPPORTED, .OPTION_UNUSED or .CSV_INVALID.
 */
export function makeSchedule(options: ScheduleOptions): Schedule {
  requireValid(options);
  if (options.name === 'csv') return readSchedule(options);
  const recipe = RECIPES[options.name as ScheduleName];
  const shape = shapeOf(recipe, options);
  const { ranks, chunks, microBatches, rankOfStage, stagesOfRank } = shape;
  const each = Array.from({ length: ranks }, (_, rank) => rank);
  return {
    name: options.name,
    ranks,
    chunks,
    stages: rankOfStage.length,
    microBatches,
    rankOfStage,
    stagesOfRank,
    updates: weightUpdates(options.name as ScheduleName, options),
    inFlightLimit: each.map((rank) => Math.min(recipe.inFlight(rank, shape), chunks * microBatches)),
    linkSlotsLimit: recipe.linkSlots?.(shape) ?? 0,
    lowered: false,
    actions: each.map((rank) => rowOf(recipe, rank, shape)),
  };
}

/** When weights change under the schedule, which is known before the schedule is made. */
export function weightUpdates(
  name: ScheduleName,
  { microBatches, verticalSync }: Pick<ScheduleOptions, 'microBatches' | 'verticalSync'>,
): WeightUpdates {
  const { mode } = RECIPES[name];
  // PipeDream updates after every micro-batch; all others once per step.
  return { mode: verticalSync === true ? 'vertical' : mode, microBatches: mode === 'stash' ? 1 : microBatches };
}

/** The number of chunks if the caller leaves it open. */
export function defaultChunks(name: ScheduleName): number {
  const { chunks } = RECIPES[name];
  return 'fixed' in chunks ? chunks.fixed : chunks.default;
}

function shapeOf(recipe: Recipe, options: ScheduleOptions): ScheduleShape {
  const { ranks, chunks = defaultChunks(options.name as ScheduleName), steps = 1, groupSize = ranks } = options;
  const microBatches = options.microBatches * steps;
  const updateSize = weightUpdates(options.name as ScheduleName, options).microBatches;
  return { ranks, chunks, microBatches, groupSize, updateSize, ...recipe.placement(ranks, chunks) };
}

/**
 * If all actions of a micro-batch are taken out of a schedule, it remains a schedule, and takes no more time or memory.
 * Therefore an order that needs a full pipeline, or full groups, serves other numbers too.
 */
function rowOf(recipe: Recipe, rank: number, shape: ScheduleShape): Action[] {
  const full = recipe.fullMicroBatches?.(shape) ?? shape.microBatches;
  return recipe
    .actions(rank, { ...shape, microBatches: full })
    .filter(({ microBatch }) => microBatch < shape.microBatches)
    .map((action) => withoutLostPartner(action, shape.microBatches));
}

function withoutLostPartner(action: Action, microBatches: number): Action {
  const { kind, stage, microBatch, overlaps } = action;
  return overlaps !== undefined && overlaps.microBatch >= microBatches ? { kind, stage, microBatch } : action;
}
