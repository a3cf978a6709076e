import type { FailureClass } from '@millrace/core';

interface FailureRule {
  /** Whether another try could help at all. */
  readonly retried: boolean;
  /** Whether it is a failure of the attempt, which uses up a retry, or a decision of the scheduler, which does not. */
  readonly counted: boolean;
}

const RULES: Readonly<Record<FailureClass, FailureRule>> = {
  user_error: { retried: false, counted: true },
  out_of_memory: { retried: true, counted: true },
  node_lost: { retried: true, counted: true },
  preempted: { retried: true, counted: false },
  timed_out: { retried: true, counted: true },
  // Bit-exact training would repeat a loss that is not finite.
  numerics: { retried: false, counted: true },
  internal: { retried: true, counted: true },
};

/** Whether the attempt itself failed, as opposed to being moved away by a decision of the scheduler. */
export function isRealFailure(failure: FailureClass): boolean {
  return RULES[failure].counted;
}

export interface RetryDecision {
  readonly retry: boolean;
  /** How many retries are used up once this one (if it is granted and counted) has begun. */
  readonly usedRetries: number;
  /** For the run's audit trail and its `reason`. */
  readonly sentence: string;
}

/**
 * Decides whether a run goes on after an attempt ended with `failure`. `earlier` has the failure class of each attempt
 * before it (undefined for one that was paused); `retries` is the limit in the run's spec.
 */
export function retryDecision(
  earlier: readonly (FailureClass | undefined)[],
  failure: FailureClass,
  retries: number,
): RetryDecision {
  const before = earlier.filter((each) => each !== undefined && RULES[each].counted).length;
  if (!RULES[failure].retried) {
    return { retry: false, usedRetries: before, sentence: `${failure} is never retried: it would happen again` };
  }
  if (!RULES[failure].counted) {
    return { retry: true, usedRetries: before, sentence: `${failure} uses up no retry; ${before} of ${retries} used` };
  }
  if (before >= retries) {
    return { retry: false, usedRetries: before, sentence: `${failure}, and all ${retries} retries are used up` };
  }
  return { retry: true, usedRetries: before + 1, sentence: `${failure}: retry ${before + 1} of ${retries}` };
}
