import { type SpanCause, STEP_WAIT_CAUSES, type WaitCause } from '@millrace/contracts/plain';

/** A stretch of time, in milliseconds of one clock. */
export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** Where a rank's time of one step went, in milliseconds. */
export interface StepAccountTimes {
  /** From the beginning of the step to its update. */
  readonly totalMs: number;
  /** The device executed F, I and W. */
  readonly computeMs: number;
  /** The device executed REDUCE and STEP. */
  readonly optimizerMs: number;
  /** The host waited while the device had nothing to do; one entry per cause, in the order of `STEP_WAIT_CAUSES`. */
  readonly waitMs: readonly number[];
}

export interface RankAccount extends StepAccountTimes {
  /** Bytes sent to all other ranks since the step before. */
  readonly sentBytes: number;
}

/**
 * Adds up the spans of a step at one rank. A wait counts only while the device has nothing to do: a host that waits for
 * the next input while the device still computes loses nothing. The duration of some actions (mostly the update)
 * becomes known only after the step has ended: the part of it that lies in the next step is counted there.
 */
export class StepAccount {
  private startMs = 0;
  private busy: Interval[] = [];
  private waits: (Interval & { readonly cause: WaitCause })[] = [];
  private computeMs = 0;
  private optimizerMs = 0;

  begin(nowMs: number): void {
    this.startMs = nowMs;
    this.busy = [];
    this.waits = [];
    this.computeMs = 0;
    this.optimizerMs = 0;
  }

  add(cause: SpanCause, span: Interval): void {
    const startMs = Math.max(span.startMs, this.startMs);
    const { endMs } = span;
    if (endMs <= startMs) return;
    if (cause === 'compute' || cause === 'optimizer' || cause === 'evaluation') this.busy.push({ startMs, endMs });
    if (cause === 'compute') this.computeMs += endMs - startMs;
    if (cause === 'optimizer') this.optimizerMs += endMs - startMs;
    const wait = STEP_WAIT_CAUSES.find((each) => cause === `wait-${each}`);
    if (wait !== undefined) this.waits.push({ cause: wait, startMs, endMs });
  }

  end(nowMs: number): StepAccountTimes {
    const { computeMs, optimizerMs } = this;
    const busy = this.busy.toSorted((a, b) => a.startMs - b.startMs);
    const waitMs = STEP_WAIT_CAUSES.map((cause) => idleMs(this.waitsOf(cause), busy));
    return { totalMs: nowMs - this.startMs, computeMs, optimizerMs, waitMs };
  }

  private waitsOf(cause: WaitCause): Interval[] {
    return this.waits.filter((wait) => wait.cause === cause);
  }
}

/** How many milliseconds of `waits` lie outside `busy`. Both are ascending, and neither overlaps itself. */
function idleMs(waits: readonly Interval[], busy: readonly Interval[]): number {
  let idle = 0;
  let next = 0;
  for (const { startMs, endMs } of waits) {
    let cursorMs = startMs;
    // An action is passed over only if it ended before this wait began: a long one may reach into the next wait too.
    while (next < busy.length && busy[next]!.endMs <= startMs) next++;
    for (let index = next; index < busy.length && busy[index]!.startMs < endMs; index++) {
      idle += Math.max(0, busy[index]!.startMs - cursorMs);
      cursorMs = Math.max(cursorMs, busy[index]!.endMs);
    }
    idle += Math.max(0, endMs - cursorMs);
  }
  return idle;
}
