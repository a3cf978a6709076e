import type { Clock } from '@millrace/core';

/** An answer that costs something, made once for all who ask at about the same time. */
export class RememberedAnswer<T> {
  private made: { readonly answer: Promise<T>; readonly untilMs: number } | undefined;

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly forMs: number,
    private readonly make: () => Promise<T>,
  ) {}

  get(): Promise<T> {
    if (this.made !== undefined && this.clock.monotonicMs() < this.made.untilMs) return this.made.answer;
    const made = { answer: this.make(), untilMs: Number.POSITIVE_INFINITY };
    this.made = made;
    // Who asks while it is being made waits for it; one that could not be made is made anew for the next who asks.
    made.answer.then(
      () => (made.untilMs = this.clock.monotonicMs() + this.forMs),
      () => (made.untilMs = 0),
    );
    return made.answer;
  }
}
