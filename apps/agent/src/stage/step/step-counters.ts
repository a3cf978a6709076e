import { nextCounters, type UpdateCounters } from '@millrace/model';

/** The counters as of the last step that ended on this rank. Every rank hears the same of each step. */
export class StepCounters {
  constructor(private counters: UpdateCounters) {}

  get current(): UpdateCounters {
    return this.counters;
  }

  /** Ends a step. */
  advance(overflowed: boolean): void {
    this.counters = nextCounters(this.counters, overflowed);
  }

  /** Ends a step that had ended too early, with the counters before it. */
  advanceAgain(before: UpdateCounters, overflowed: boolean): void {
    this.counters = nextCounters(before, overflowed);
  }
}
