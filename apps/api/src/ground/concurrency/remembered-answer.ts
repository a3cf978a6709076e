import type { Clock } from '@millrace/core';

/** An answer that costs something and is therefore made once for all who ask at about the same time. */
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
    // Whoever asks while the answer is being made waits for it. If it could not be made, it is made again for the next
    // caller.
    made.answer.then(
      () => (made.untilMs = this.clock.monotonicMs() + this.forMs),
      () => (made.untilMs = 0),
    );
    return made.answer;
  }
}
