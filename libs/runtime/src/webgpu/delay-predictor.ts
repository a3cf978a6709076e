/** Part of a predicted delay that is slept. */
const SLEPT_PART = 0.9;
/** Weight of a measurement that is longer than what is known. */
const LEARNING = 0.3;
/** A wait that was over when the sleep ended may have been over long before: the next sleep is shorter. */
const OVERSLEPT_FACTOR = 0.7;
const SLEEP_MS_MAX = 5000;
const PATTERNS_MAX = 1000;
/** Characters; what is enqueued beyond it does not tell patterns apart. */
const PATTERN_LENGTH_MAX = 4096;

/**
 * Predicts how long the device takes from a wait's start on, by what was enqueued since the wait before: training
 * repeats the same few patterns. Dawn polls without pause while a promise is pending, which burns a core that a
 * software driver needs itself; sleeping most of the time first does not.
 */
export class DelayPredictor {
  /** Undefined for a pattern that was seen once: the first time compiles shaders on some drivers and tells nothing. */
  private readonly delaysMs = new Map<string, number | undefined>();
  private pattern = '';

  /** Something was enqueued. */
  note(name: string): void {
    if (this.pattern.length < PATTERN_LENGTH_MAX) this.pattern += `${name};`;
  }

  /** Starts a wait: the pattern since the last one, to be given to the other two calls. */
  take(): string {
    const { pattern } = this;
    this.pattern = '';
    return pattern;
  }

  /** Milliseconds to sleep before polling; timers resolve 1 ms, so less is 0. */
  sleepMs(pattern: string, expectedDelayMs?: number): number {
    const delayMs = expectedDelayMs ?? this.delaysMs.get(pattern) ?? 0;
    return Math.min(SLEEP_MS_MAX, Math.floor(delayMs * SLEPT_PART));
  }

  /** A wait took `sleptMs` of sleep and `polledMs` after it. */
  learn(pattern: string, sleptMs: number, polledMs: number): void {
    if (this.delaysMs.size >= PATTERNS_MAX) this.delaysMs.clear();
    if (!this.delaysMs.has(pattern)) {
      this.delaysMs.set(pattern, undefined);
      return;
    }
    const known = this.delaysMs.get(pattern);
    const measuredMs = sleptMs > 0 && polledMs < 1 ? sleptMs * OVERSLEPT_FACTOR : sleptMs + polledMs;
    // Shorter at once, longer with hesitation: polling a little costs less than sleeping past the end.
    const longer = known !== undefined && measuredMs > known;
    this.delaysMs.set(pattern, longer ? known + LEARNING * (measuredMs - known) : measuredMs);
  }
}
