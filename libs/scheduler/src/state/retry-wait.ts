import type { FailureClass } from '@millrace/core';
import { isRealFailure } from './retry-decision';

export interface EndedAttempt {
  /** Undefined for an attempt that was paused or did its work. */
  readonly failure: FailureClass | undefined;
  /** Milliseconds from its placement to its end. */
  readonly lastedMs: number;
}

/** An attempt that failed within this time failed at once: hardly any training was done in it. */
const AT_ONCE_MS = 60_000;
const FIRST_WAIT_MS = 5_000;
const WAIT_MS_MAX = 300_000;

/**
 * How long a run waits before its next attempt. `ended` has all attempts so far, oldest first. After the first failure
 * there is no wait, since other devices are mostly free. From the second attempt in a row that failed at once on, the
 * wait doubles each time: 5, 10, 20 … 300 seconds.
 */
export function retryWaitMs(ended: readonly EndedAttempt[]): number {
  const real = ended.filter(({ failure }) => failure === undefined || isRealFailure(failure));
  const lasting = real.findLastIndex(({ failure, lastedMs }) => failure === undefined || lastedMs >= AT_ONCE_MS);
  const atOnceCount = real.length - 1 - lasting;
  if (atOnceCount < 2) return 0;
  return Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** Math.min(atOnceCount - 2, 30));
}
