/**
 * Counts what a search does and says when it has done enough. It counts work and no time, so that the same request
 * gives the same plan on a slow machine and on a busy one. A unit is about what simulating one action takes: some
 * nanoseconds.
 */
export class SearchWork {
  constructor(
    private readonly most: number,
    private readonly counter = { done: 0 },
  ) {}

  add(units: number): void {
    this.counter.done += units;
  }

  /** What was added until now. */
  get done(): number {
    return this.counter.done;
  }

  /** Then whoever searches answers with the best that was found. */
  get isUsedUp(): boolean {
    return this.counter.done >= this.most;
  }

  /** A share of what is left, for one part of the search. What that part leaves is for those after it. */
  share(fraction: number): SearchWork {
    const { most, counter } = this;
    return new SearchWork(counter.done + fraction * Math.max(0, most - counter.done), counter);
  }
}
