/** A step may take so many times as long as was predicted, or as the steps before it took. */
const STEP_DEADLINE_FACTOR = 20;
const STEP_DEADLINE_MS_MIN = 5 * 60_000;
/** Of a first step for which nothing was predicted. */
const UNKNOWN_STEP_DEADLINE_MS = 3_600_000;

/**
 * When a rank that does nothing else gives a step up, in milliseconds after it began. A rank that waits for a tensor of
 * another rank gives three times as long, so that the one that stands still is the first to say so.
 */
export function stepDeadlineMs(expectedStepMs: number | undefined): number {
  if (expectedStepMs === undefined) return UNKNOWN_STEP_DEADLINE_MS;
  return Math.max(STEP_DEADLINE_MS_MIN, STEP_DEADLINE_FACTOR * expectedStepMs);
}
