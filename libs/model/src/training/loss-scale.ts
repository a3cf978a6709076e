import { assert } from '@millrace/core';

/** By what gradients are scaled in half precision, and what decides when that changes; a checkpoint holds all of it. */
export interface LossScaleState {
  /**
   * A power of two, by which gradients are larger than they should be: dividing by it changes no bit of a normal
   * number.
   */
  readonly scale: number;
  /** Steps since the last one that overflowed, and since the scale last grew. */
  readonly cleanSteps: number;
  /** Overflows until one halves the scale, itself included. */
  readonly hysteresis: number;
  /** Skipped steps in a row with the smallest scale. */
  readonly skippedAtFloor: number;
}

/** What a run counts beside its steps; the same on every rank. */
export interface UpdateCounters {
  /** Updates so far, which the learning rate and Adam's t count. A skipped step is none. */
  readonly updates: number;
  /** Undefined where gradients are not scaled. */
  readonly lossScale?: LossScaleState | undefined;
}

const SCALE_FIRST = 2 ** 16;
const SCALE_FLOOR = 1;
/** Sums of squares of gradients that are larger by this still fit f32, unless the norm itself is beyond 10^9. */
const SCALE_MAX = 2 ** 32;
const GROWTH_INTERVAL = 1000;
const HYSTERESIS = 2;
export const SKIPPED_AT_FLOOR_MAX = 100;

export const FIRST_LOSS_SCALE: LossScaleState = {
  scale: SCALE_FIRST,
  cleanSteps: 0,
  hysteresis: HYSTERESIS,
  skippedAtFloor: 0,
};

/** The factor of the loss whose gradients are computed. */
export function lossScaleOf({ lossScale }: UpdateCounters): number {
  return lossScale?.scale ?? 1;
}

/** The counters after a step. A step whose gradients overflow is skipped; that is for scaled gradients only. */
export function nextCounters({ updates, lossScale }: UpdateCounters, overflowed: boolean): UpdateCounters {
  const next = overflowed ? updates : updates + 1;
  if (lossScale !== undefined) return { updates: next, lossScale: nextLossScale(lossScale, overflowed) };
  assert(!overflowed, 'gradients that are not scaled overflowed, which ends the run');
  return { updates: next };
}

/**
 * Micikevicius et al. 2018 (arXiv:1710.03740) section 3.2, with the hysteresis of DeepSpeed and Megatron: the first
 * overflow changes nothing, further ones halve the scale; after 1000 steps without one it doubles, and the next
 * overflow is again a first one.
 */
function nextLossScale(state: LossScaleState, overflowed: boolean): LossScaleState {
  const { scale, cleanSteps, hysteresis, skippedAtFloor } = state;
  assert(Number.isInteger(Math.log2(scale)), `a loss scale is a power of two, not ${scale}`);
  if (overflowed) {
    return {
      scale: hysteresis > 1 ? scale : Math.max(SCALE_FLOOR, scale / 2),
      cleanSteps: 0,
      hysteresis: Math.max(1, hysteresis - 1),
      skippedAtFloor: scale === SCALE_FLOOR ? skippedAtFloor + 1 : 0,
    };
  }
  const grows = cleanSteps + 1 === GROWTH_INTERVAL;
  return {
    scale: grows ? Math.min(SCALE_MAX, 2 * scale) : scale,
    cleanSteps: grows ? 0 : cleanSteps + 1,
    hysteresis: grows ? HYSTERESIS : hysteresis,
    skippedAtFloor: 0,
  };
}

/** Whether the run cannot go on: its gradients overflow whatever the scale. */
export function isExhausted({ lossScale }: UpdateCounters): boolean {
  return (lossScale?.skippedAtFloor ?? 0) >= SKIPPED_AT_FLOOR_MAX;
}
