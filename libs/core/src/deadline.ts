import type { Clock } from './clock';

/** A timer that fires later than this did so because the process was stopped. */
export const LATE_MS = 10_000;

export interface Deadline {
  /** Begins anew; without effect once it is cancelled. */
  readonly restart: () => void;
  readonly cancel: () => void;
}

/**
 * Calls `task` once `afterMs` have passed in which this process ran. One that was stopped, and reads only now what came
 * meanwhile, gets the whole time once more.
 */
export function deadline(clock: Clock, afterMs: number, task: () => void): Deadline {
  let over = false;
  const arm = (): (() => void) => {
    const dueMs = clock.monotonicMs() + afterMs;
    return clock.after(afterMs, () => {
      if (clock.monotonicMs() > dueMs + LATE_MS) cancel = arm();
      else task();
    });
  };
  let cancel = arm();
  return {
    restart: () => {
      if (over) return;
      cancel();
      cancel = arm();
    },
    cancel: () => {
      over = true;
      cancel();
    },
  };
}

/** What `work` gives, or what `late` gives or throws where that takes longer than `afterMs`; no timer is left behind. */
export async function within<T>(clock: Clock, afterMs: number, { work, late }: Within<T>): Promise<T> {
  let cancel = (): void => undefined;
  const passed = new Promise<void>((resolve) => (cancel = clock.after(afterMs, resolve)));
  return Promise.race([work, passed.then(late)]).finally(() => cancel());
}

interface Within<T> {
  readonly work: Promise<T>;
  readonly late: () => T;
}
