import { type Clock, systemClock } from '@millrace/core';

interface Timer {
  dueMs: number;
  readonly task: () => void;
  cancel: () => void;
}

/** The system's clock, which a test can set forward: what is due by then happens at once, in the order of its times. */
export class JumpingClock implements Clock {
  private readonly timers = new Set<Timer>();
  private aheadMs = 0;

  constructor(private readonly real: Clock = systemClock) {}

  now(): number {
    return this.real.now() + this.aheadMs;
  }

  monotonicMs(): number {
    return this.real.monotonicMs() + this.aheadMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const timer: Timer = { dueMs: this.monotonicMs() + delayMs, task, cancel: () => undefined };
    this.timers.add(timer);
    this.arm(timer);
    return () => this.drop(timer);
  }

  jump(ms: number): void {
    this.aheadMs += ms;
    for (const timer of [...this.timers].toSorted((a, b) => a.dueMs - b.dueMs)) {
      // One that fired before may have cancelled it.
      if (!this.timers.has(timer)) continue;
      timer.cancel();
      if (timer.dueMs <= this.monotonicMs()) this.fire(timer);
      else this.arm(timer);
    }
  }

  private arm(timer: Timer): void {
    timer.cancel = this.real.after(timer.dueMs - this.monotonicMs(), () => this.fire(timer));
  }

  private fire(timer: Timer): void {
    this.timers.delete(timer);
    timer.task();
  }

  private drop(timer: Timer): void {
    timer.cancel();
    this.timers.delete(timer);
  }
}
