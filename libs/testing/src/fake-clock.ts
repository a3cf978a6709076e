import type { Clock } from '@millrace/core';

interface Timer {
  readonly atMs: number;
  readonly task: () => void;
}

/** Turns of the event loop without a change after which work in this process counts as waiting for the clock. */
const IDLE_TURNS = 20;

/** A clock that stands still until it is moved: timers fire in the order of their times, never by themselves. */
export class FakeClock implements Clock {
  private readonly timers = new Set<Timer>();
  private elapsedMs = 0;

  constructor(private readonly startMs = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.startMs + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const timer = { atMs: this.elapsedMs + delayMs, task };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Time passes, and no timer fires: as for a process that is stopped. */
  standStill(ms: number): void {
    this.elapsedMs += ms;
  }

  /** Moves to the next timer and fires it; false when there is none. */
  fireNext(): boolean {
    const [next] = [...this.timers].toSorted((a, b) => a.atMs - b.atMs);
    if (next === undefined) return false;
    this.timers.delete(next);
    this.elapsedMs = Math.max(this.elapsedMs, next.atMs);
    next.task();
    return true;
  }

  /** Settles as `work` does; moves on whenever everything in this process waits, at most to `untilMs`. */
  async run<T>(work: Promise<T>, untilMs: number): Promise<T> {
    let over = false;
    const settled = work.finally(() => (over = true));
    settled.catch(() => undefined);
    for (;;) {
      for (let turn = 0; turn < IDLE_TURNS && !over; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (over) return settled;
      if (this.elapsedMs > untilMs || !this.fireNext())
        throw new RangeError(`nothing was settled by ${this.elapsedMs} ms of the fake clock`);
    }
  }
}
