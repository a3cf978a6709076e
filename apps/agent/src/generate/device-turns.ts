import { type Clock, sleep } from '@millrace/core';

/** Of the time that a step takes, what a generation may take at its end: training goes on at two thirds of its pace. */
const SHARE_OF_STEP = 1 / 2;
const SLICE_MS_MIN = 50;
const SLICE_MS_MAX = 2_000;
/** A generation that keeps the device for longer than this beyond its slice, or died with it, is not waited for. */
const PATIENCE_MS = 30_000;

/** A generation may use the device now, for about so long. */
export type GiveTurn = (turnId: number, sliceMs: number) => void;

/**
 * The device of an attempt in training, lent to generations between two steps: they run on a thread of their own, so
 * that what they do wrong does not end the attempt, but never at the same time as a step.
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

  /** Between two steps: each that waits now has one turn. */
  async pause(): Promise<void> {
    const stepMs = this.clock.monotonicMs() - this.stepStartMs;
    const sliceMs = Math.min(SLICE_MS_MAX, Math.max(SLICE_MS_MIN, stepMs * SHARE_OF_STEP));
    for (const id of this.waiting.splice(0)) {
      const over = new Promise<void>((resolve) => (this.current = { id, over: resolve }));
      this.give(id, sliceMs);
      await Promise.race([over, sleep(this.clock, sliceMs + PATIENCE_MS)]);
    }
    this.current = undefined;
    this.stepStartMs = this.clock.monotonicMs();
  }
}
