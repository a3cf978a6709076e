import type { AppError, FieldError } from '@millrace/core';
import { chunksUnsupported, csvInvalid, optionUnused, scheduleSizeInvalid, scheduleUnknown } from '../pipeline.errors';
import { RECIPES } from './kinds/recipes';
import { SCHEDULE_NAMES, type ScheduleName } from './schedule';
import { FLUSHLESS_SCHEDULES, scheduleTraits, VERTICAL_SYNC_SCHEDULES } from './schedule-traits';

export interface ScheduleOptions {
  /** One of SCHEDULE_NAMES, or `csv`. */
  readonly name: string;
  /** p >= 1 */
  readonly ranks: number;
  /** m >= 1, of one step */
  readonly microBatches: number;
  /** v; the schedule's default if absent. */
  readonly chunks?: number;
  /**
   * interleaved: this many micro-batches, from p to m, go through a chunk before the next chunk has its turn; p when
   * absent.
   */
  readonly groupSize?: number;
  /** pipedream: every stage uses the weight version that the micro-batch saw on stage 0. */
  readonly verticalSync?: boolean;
  /** pipedream, pipedream-2bw: how many steps follow each other without a flush; 1 when absent. */
  readonly steps?: number;
  /** csv: the schedule itself, one row per rank. */
  readonly csv?: string;
}

/** Bounds the memory that a dry run of an absurd request can take. */
export const MAX_CELLS = 2 ** 18;
const MAX_RANKS = 1024;
const MAX_CHUNKS = 64;

const GROUPED_SCHEDULES = SCHEDULE_NAMES.filter((name) => RECIPES[name].grouped);

type Rule = (options: ScheduleOptions, name: ScheduleName | 'csv') => AppError | undefined;

const RULES: readonly Rule[] = [
  sizeRule,
  chunksRule,
  groupRule,
  ({ verticalSync }, name) =>
    verticalSync !== true || scheduleTraits(name).verticalSync
      ? undefined
      : optionUnused(
          'verticalSync',
          `belongs to schedule ${VERTICAL_SYNC_SCHEDULES.join(' or ')}, not ${name}: set it to false`,
        ),
  ({ steps = 1 }, name) =>
    isCount(steps) && (steps === 1 || !scheduleTraits(name).flushes)
      ? undefined
      : optionUnused(
          'steps',
          `${steps} steps without a flush are for ${FLUSHLESS_SCHEDULES.join(' and ')}, not ${name}`,
        ),
  ({ csv }, name) => {
    if (name === 'csv' && (csv ?? '') === '')
      return csvInvalid('schedule csv needs the schedule itself: one row per rank, such as "0F0,0B0"');
    return name === 'csv' || (csv ?? '') === ''
      ? undefined
      : optionUnused('scheduleCsv', `belongs to schedule csv, not ${name}: leave it out`);
  },
];

/**
 * Everything that keeps a schedule from being made from these numbers, each with the field to change; empty if it can
 * be made.
 */
export function scheduleConstraints(options: ScheduleOptions): FieldError[] {
  return refusals(options).flatMap(({ fields }) => fields);
}

/** Throws the first refusal, with the fields of all refusals. */
export function requireValid(options: ScheduleOptions): void {
  const [first] = refusals(options);
  if (first !== undefined) throw first;
}

function refusals(options: ScheduleOptions): AppError[] {
  const { name } = options;
  if (!isScheduleName(name) && name !== 'csv') return [scheduleUnknown(name, [...SCHEDULE_NAMES, 'csv'])];
  return RULES.map((rule) => rule(options, name)).filter((refusal) => refusal !== undefined);
}

export function isScheduleName(name: string): name is ScheduleName {
  return (SCHEDULE_NAMES as readonly string[]).includes(name);
}

function sizeRule({ ranks, microBatches, chunks = 1, steps = 1 }: ScheduleOptions): AppError | undefined {
  const cells = ranks * microBatches * chunks * steps;
  if (isCount(ranks) && isCount(microBatches) && ranks <= MAX_RANKS && !(cells > MAX_CELLS)) return undefined;
  return scheduleSizeInvalid(ranks, microBatches, { maxRanks: MAX_RANKS, maxCells: MAX_CELLS });
}

function chunksRule({ chunks }: ScheduleOptions, name: ScheduleName | 'csv'): AppError | undefined {
  if (chunks === undefined || name === 'csv') return undefined;
  const { chunks: own } = RECIPES[name];
  if ('fixed' in own) return chunks === own.fixed ? undefined : chunksUnsupported(name, chunks, `${own.fixed}`);
  return isCount(chunks) && chunks <= MAX_CHUNKS ? undefined : chunksUnsupported(name, chunks, `1 to ${MAX_CHUNKS}`);
}

/** Below p, a rank would turn to the next chunk before the first micro-batch is back, and would wait for ever. */
function groupRule(
  { groupSize, ranks, microBatches }: ScheduleOptions,
  name: ScheduleName | 'csv',
): AppError | undefined {
  if (groupSize === undefined) return undefined;
  const most = Math.max(ranks, microBatches);
  const isGrouped = name !== 'csv' && RECIPES[name].grouped === true;
  if (isGrouped && isCount(groupSize) && groupSize >= ranks && groupSize <= most) return undefined;
  return optionUnused(
    'groupSize',
    `${groupSize} must be a whole number from ${ranks} to ${most}, for ${GROUPED_SCHEDULES.join(' and ')} only`,
  );
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}
