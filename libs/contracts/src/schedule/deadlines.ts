/** A step may take so many times as long as was predicted, or as the steps before it took. */
const STEP_DEADLINE_FACTOR = 20;
const STEP_DEADLINE_MS_MIN = 5 * 60_000;
/** Of a step for which nothing was predicted; and the most that slow steps may stretch the deadline of later ones. */
const UNKNOWN_STEP_DEADLINE_MS = 3_600_000;

export interface StepTimes {
  /** By the planner; undefined where it does not know. */
  readonly expectedMs: number | undefined;
  /** What steps took lately; undefined before the first one is over. */
  readonly usualMs?: number | undefined;
}

/**
 * When a rank that does nothing else gives a step up, in milliseconds after it began. A rank that waits for a tensor of
 * another rank gives three times as long, so that the one that stands still is the first to say so. Slow steps stretch
 * it to an hour at most, or to what the prediction asks for: a device that slows down for ever would otherwise never
 * be told from one that works.
 */
export function stepDeadlineMs({ expectedMs, usualMs = expectedMs }: StepTimes): number {
  if (usualMs === undefined) return UNKNOWN_STEP_DEADLINE_MS;
  const mostMs = Math.max(UNKNOWN_STEP_DEADLINE_MS, STEP_DEADLINE_FACTOR * (expectedMs ?? 0));
  return Math.min(mostMs, Math.max(STEP_DEADLINE_MS_MIN, STEP_DEADLINE_FACTOR * usualMs));
}

/** Drivers compile for minutes on a busy machine, and a device may still be held by what ran before. */
const START_DEADLINE_MS_MIN = 15 * 60_000;
/** Of a slow line: what a rank fetches gets the time that it takes over one. */
const START_BYTES_PER_SECOND = 2 ** 20;

/** How long an attempt may take from its placement until every rank has begun its first step. */
export function startDeadlineMs(fetchedBytes = 0): number {
  return START_DEADLINE_MS_MIN + Math.ceil((fetchedBytes / START_BYTES_PER_SECOND) * 1000);
}

/**
 * A GPU thread that says nothing for so long hangs in its driver: the agent ends the attempt, and the API renews its
 * lease no more. It is longer than a driver compiles at one go on a busy machine.
 */
export const GPU_THREAD_SILENT_MS_MAX = 120_000;
