/** The part of a predicted delay that is slept. */
const SLEPT_PART = 0.9;
/** The weight of a measurement that is longer than what is known. */
const LEARNING = 0.3;
/** A wait that was over when the sleep ended may have been over long before: the next sleep is shorter. */
const OVERSLEPT_FACTOR = 0.7;
const SLEEP_MS_MAX = 5000;
const PATTERNS_MAX = 1000;
/** How many characters of a pattern are kept; what is enqueued beyond them does not distinguish patterns. */
const PATTERN_LENGTH_MAX = 4096;

/**
 * Predicts how long the device takes from the start of a wait, by what was enqueued since the wait before: training
 * repeats the same few patterns. Dawn polls without pause while a promise is pending, which takes a core that a
 * software driver needs itself; sleeping for most of the time first avoids that.
 */
export class DelayPredictor {
  /**
   * Undefined for a pattern that was seen once: on some drivers the first time includes compilation, and tells nothing.
   */
  private readonly delaysMs = new Map<string, number | undefined>();
  private pattern = '';

  /** Notes that something was enqueued. */
  note(name: string): void {
    if (this.pattern.length < PATTERN_LENGTH_MAX) this.pattern += `${name};`;
  }

  /** Starts a wait: returns the pattern since the last one, to be passed to the other two calls. */
  take(): string {
    const { pattern } = this;
    this.pattern = '';
    return pattern;
  }

  /** Milliseconds to sleep before polling. Timers have a resolution of 1 ms, so that less becomes 0. */
  sleepMs(pattern: string, expectedDelayMs?: number): number {
    const delayMs = expectedDelayMs ?? this.delaysMs.get(pattern) ?? 0;
    return Math.min(SLEEP_MS_MAX, Math.floor(delayMs * SLEPT_PART));
  }

  /** Learns from a wait that took `sleptMs` of sleep and `polledMs` after it. */
  learn(pattern: string, sleptMs: number, polledMs: number): void {
    if (this.delaysMs.size >= PATTERNS_MAX) this.delaysMs.clear();
    if (!this.delaysMs.has(pattern)) {
      this.delaysMs.set(pattern, undefined);
      return;
    }
    const known = this.delaysMs.get(pattern);
    const measuredMs = sleptMs > 0 && polledMs < 1 ? sleptMs * OVERSLEPT_FACTOR : sleptMs + polledMs;
    // Shorter times count at once, longer ones slowly: polling a little costs less than sleeping past the end.
    const longer = known !== undefined && measuredMs > known;
    this.delaysMs.set(pattern, longer ? known + LEARNING * (measuredMs - known) : measuredMs);
  }
}
