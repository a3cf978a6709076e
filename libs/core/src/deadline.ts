import type { Clock } from './clock';

/** If a timer fires later than this, the process had been stopped meanwhile. */
export const LATE_MS = 10_000;

export interface Deadline {
  /** Gives the whole time again; does nothing once the deadline is cancelled. */
  readonly restart: () => void;
  readonly cancel: () => void;
}

/**
 * Calls `task` once `afterMs` have passed in which this process ran. A process that was stopped reads only now what
 * came meanwhile, so that it gets the whole time once more.
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

/**
 * Returns what `work` resolves with or, if that takes longer than `afterMs`, what `late` returns or throws; no timer is
 * left behind.
 */
export async function within<T>(clock: Clock, afterMs: number, { work, late }: Within<T>): Promise<T> {
  let cancel = (): void => undefined;
  const passed = new Promise<void>((resolve) => (cancel = clock.after(afterMs, resolve)));
  return Promise.race([work, passed.then(late)]).finally(() => cancel());
}

interface Within<T> {
  readonly work: Promise<T>;
  readonly late: () => T;
}
