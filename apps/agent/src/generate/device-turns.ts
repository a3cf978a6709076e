import { type Clock, within } from '@millrace/core';

/**
 * After a step, each generation that waits may take this share of the time that the step took. Beside one generation,
 * training goes on at two thirds of its pace.
 */
const SHARE_OF_STEP = 1 / 2;
const SLICE_MS_MIN = 50;
const SLICE_MS_MAX = 2_000;
/** A generation that keeps the device this much longer than its slice, or that has died, is not waited for. */
const PATIENCE_MS = 30_000;

/** Tells a generation that it may use the device now, for about `sliceMs`. */
export type GiveTurn = (turnId: number, sliceMs: number) => void;

/**
 * Lends the device of an attempt in training to generations between two steps. A generation runs on a thread of its
 * own, so that its faults do not end the attempt, but never at the same time as a step.
 */
export class DeviceTurns {
  private readonly waiting: number[] = [];
  private current: { readonly id: number; readonly over: () => void } | undefined;
  private stepStartMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly give: GiveTurn,
  ) {
    this.stepStartMs = clock.monotonicMs();
  }

  ask(turnId: number): void {
    this.waiting.push(turnId);
  }

  over(turnId: number): void {
    if (this.current?.id === turnId) this.current.over();
  }

  /** Called between two steps: each generation that waits now gets one turn. */
  async pause(): Promise<void> {
    const stepMs = this.clock.monotonicMs() - this.stepStartMs;
    const sliceMs = Math.min(SLICE_MS_MAX, Math.max(SLICE_MS_MIN, stepMs * SHARE_OF_STEP));
    for (const id of this.waiting.splice(0)) {
      const over = new Promise<void>((resolve) => (this.current = { id, over: resolve }));
      this.give(id, sliceMs);
      await within(this.clock, sliceMs + PATIENCE_MS, { work: over, late: () => undefined });
    }
    this.current = undefined;
    this.stepStartMs = this.clock.monotonicMs();
  }
}
