import type { Clock } from '@millrace/core';
import type { KernelChoice, KernelVariant } from '@millrace/kernels';
import type { TuningCase } from './tuning-cases';

export interface TuneOptions {
  /**
   * Milliseconds of one launch of a variant; undefined if it cannot be used here, since it does not compile or gives
   * other bits than the usual one. The usual one, the first of the case, is measured first.
   */
  readonly measure: (tuned: TuningCase, variant: KernelVariant) => Promise<number | undefined>;
  readonly boundMs: number;
  /** Ends the tuning where the device is wanted for something else. */
  readonly stopped: () => boolean;
  readonly clock: Clock;
}

/** A choice, and by how much it is better. */
export interface MeasuredChoice extends KernelChoice {
  readonly ms: number;
  /** Of the usual variant. */
  readonly usualMs: number;
}

/** Another variant takes its place if it needs at most this part of its time: less is within what measurements vary. */
const WORTH = 0.95;

/**
 * Chooses among the variants of each case, in order, until the time is over. A case that it did not get through is left
 * for another time. What it chooses follows from the measured times alone, and changes no result.
 */
export async function tune(cases: readonly TuningCase[], options: TuneOptions): Promise<MeasuredChoice[]> {
  const { clock, boundMs, stopped } = options;
  const endMs = clock.monotonicMs() + boundMs;
  const isOver = (): boolean => stopped() || clock.monotonicMs() >= endMs;
  const choices: MeasuredChoice[] = [];
  for (const tuned of cases) {
    const choice = await choose(tuned, options.measure, isOver);
    if (choice === 'over') break;
    if (choice !== undefined) choices.push(choice);
  }
  return choices;
}

async function choose(
  tuned: TuningCase,
  measure: TuneOptions['measure'],
  isOver: () => boolean,
): Promise<MeasuredChoice | 'over' | undefined> {
  const { kernel, bucket, variants } = tuned;
  let best: MeasuredChoice | undefined;
  for (const variant of variants) {
    if (isOver()) return 'over';
    const ms = await measure(tuned, variant);
    if (best === undefined) {
      // Without the usual one there is nothing to compare with.
      if (ms === undefined) return undefined;
      best = { kernel, bucket, form: variant.form!, ms, usualMs: ms };
    } else if (ms !== undefined && ms < best.ms && ms <= WORTH * best.usualMs) {
      best = { ...best, form: variant.form!, ms };
    }
  }
  return best;
}
