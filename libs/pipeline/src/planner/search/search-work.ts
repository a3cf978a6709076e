/**
 * Counts how much a search has done and says when that is enough. It counts work instead of time, so that the same
 * request gives the same plan on a slow or busy machine. One unit is about what simulating one action takes: some
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

  /** How much was added so far. */
  get done(): number {
    return this.counter.done;
  }

  /** If so, the search answers with the best that it has found. */
  get isUsedUp(): boolean {
    return this.counter.done >= this.most;
  }

  /** A share of what is left, for one part of the search; what that part leaves is for the parts after it. */
  share(fraction: number): SearchWork {
    const { most, counter } = this;
    return new SearchWork(counter.done + fraction * Math.max(0, most - counter.done), counter);
  }
}
