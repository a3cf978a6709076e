/**
 * Delays between attempts to connect: doubled each time up to a limit, each with jitter so that peers do not come back
 * in step.
 */
export class Backoff {
  private attemptCount = 0;

  constructor(
    private readonly firstMs: number,
    private readonly limitMs: number,
    /** A random number, uniform in [0, 1). */
    private readonly random: () => number,
  ) {}

  /** Half the delay is fixed, half is random ("equal jitter"). */
  nextMs(): number {
    const delayMs = Math.min(this.limitMs, this.firstMs * 2 ** Math.min(this.attemptCount++, 30));
    return delayMs / 2 + (delayMs / 2) * this.random();
  }

  reset(): void {
    this.attemptCount = 0;
  }
}
