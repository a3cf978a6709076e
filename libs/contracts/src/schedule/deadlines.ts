/** A step may take so many times as long as was predicted, or as the steps before it took. */
const STEP_DEADLINE_FACTOR = 20;
const STEP_DEADLINE_MS_MIN = 5 * 60_000;
/**
 * The deadline of a step for which nothing was predicted, and the longest deadline to which slow steps may extend that
 * of later ones.
 */
const UNKNOWN_STEP_DEADLINE_MS = 3_600_000;

export interface StepTimes {
  /** What the planner predicts; undefined where it does not know. */
  readonly expectedMs: number | undefined;
  /** How long steps took lately; undefined before the first one is over. */
  readonly usualMs?: number | undefined;
}

/**
 * Milliseconds after which a rank gives a step up. A rank that waits for a tensor of another rank waits three times as
 * long, so that the rank which stands still reports first. Slow steps extend the deadline to an hour at most, or to
 * what the prediction asks for: otherwise a device that gets slower for ever could not be told from one that works.
 */
export function stepDeadlineMs({ expectedMs, usualMs = expectedMs }: StepTimes): number {
  if (usualMs === undefined) return UNKNOWN_STEP_DEADLINE_MS;
  const mostMs = Math.max(UNKNOWN_STEP_DEADLINE_MS, STEP_DEADLINE_FACTOR * (expectedMs ?? 0));
  return Math.min(mostMs, Math.max(STEP_DEADLINE_MS_MIN, STEP_DEADLINE_FACTOR * usualMs));
}

/** Drivers may compile for minutes on a busy machine, and the device may still be held by what ran before. */
const START_DEADLINE_MS_MIN = 15 * 60_000;
/** The speed of a slow line: a rank gets the time that its downloads would take over one. */
const START_BYTES_PER_SECOND = 2 ** 20;

/** How long an attempt may take from its placement until every rank has begun its first step. */
export function startDeadlineMs(fetchedBytes = 0): number {
  return START_DEADLINE_MS_MIN + Math.ceil((fetchedBytes / START_BYTES_PER_SECOND) * 1000);
}

/**
 * A GPU thread that says nothing for so long counts as hanging in its driver: the agent ends the attempt, and the API
 * no longer renews its lease. Even on a busy machine, no single compilation in a driver takes as long.
 */
export const GPU_THREAD_SILENT_MS_MAX = 120_000;
