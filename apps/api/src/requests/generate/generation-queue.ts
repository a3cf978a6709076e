import type { AppError } from '@millrace/core';

/** An agent generates one text at a time, and few requests wait: the agents have training to do. */
export class GenerationQueue {
  /** Of each agent, the end of what it was last given. */
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
   * Begins when each of the agents is done with what it was given before, so one that is silent holds up only those who
   * share it. @throws what `full` makes when too many wait
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
