import type { AppError } from '@millrace/core';

/** One generation at a time, and few waiting: the agents have training to do. */
export class GenerationQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private waitingCount = 0;

  constructor(
    private readonly waitingCountMax: number,
    private readonly full: (waitingCountMax: number) => AppError,
  ) {}

  /** @throws what `full` makes when too many wait */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.waitingCount > this.waitingCountMax) throw this.full(this.waitingCountMax);
    this.waitingCount++;
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined).finally(() => this.waitingCount--);
    return result;
  }
}
