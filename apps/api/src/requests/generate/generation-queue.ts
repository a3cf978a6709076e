import type { AppError } from '@millrace/core';

/** An agent generates one text at a time, and only few requests may wait, since the agents have to train. */
export class GenerationQueue {
  /** For each agent, a promise that resolves at the end of what it was last given. */
  private readonly tails = new Map<string, Promise<unknown>>();
  private pendingCount = 0;

  constructor(
    private readonly waitingCountMax: number,
    private readonly full: (waitingCountMax: number) => AppError,
  ) {}

  isBusy(agentId: string): boolean {
    return this.tails.has(agentId);
  }

  /**
   * Begins when each of the agents has finished what it was given before, so that a silent agent holds up only those
   * who share it. @throws the result of `full` when too many requests wait
   */
  run<T>(agentIds: readonly string[], work: () => Promise<T>): Promise<T> {
    if (this.pendingCount > this.waitingCountMax) throw this.full(this.waitingCountMax);
    this.pendingCount++;
    const before = Promise.all(agentIds.map((id) => this.tails.get(id) ?? Promise.resolve()));
    const result = before.then(work);
    const tail = result
      .catch(() => undefined)
      .finally(() => {
        this.pendingCount--;
        for (const id of agentIds) if (this.tails.get(id) === tail) this.tails.delete(id);
      });
    for (const id of agentIds) this.tails.set(id, tail);
    return result;
  }
}
