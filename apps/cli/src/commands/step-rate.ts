interface Observation {
  readonly step: number;
  readonly timeMs: number;
}

const WINDOW_MS = 15_000;

/** Measures steps per second over the last 15 s, which is steady enough to read and quick enough to follow a change. */
export class StepRate {
  private observations: Observation[] = [];

  /** A step that goes back (a new attempt from a checkpoint) starts the window anew. */
  observe(step: number, timeMs: number): void {
    const last = this.observations.at(-1);
    if (last !== undefined && step < last.step) this.observations = [];
    if (last?.step !== step) this.observations.push({ step, timeMs });
    while (this.observations.length > 2 && timeMs - (this.observations[0]?.timeMs ?? 0) > WINDOW_MS)
      this.observations.shift();
  }

  /** NaN until two steps have been seen. */
  stepsPerSecond(): number {
    const first = this.observations[0];
    const last = this.observations.at(-1);
    if (first === undefined || last === undefined || last.timeMs === first.timeMs) return Number.NaN;
    return ((last.step - first.step) * 1000) / (last.timeMs - first.timeMs);
  }
}
