import { assert } from '@millrace/core';
import { tokensTooFew } from '../data.errors';
import type { TokenRange } from './token-store';

export interface DatasetSplit {
  readonly train: TokenRange;
  /** `count` is 0 when there is no validation. */
  readonly validation: TokenRange;
}

/** Number of sequences of `context` tokens in a range; the last one needs one more token, its final target. */
export function sequenceCount(range: TokenRange, context: number): number {
  return Math.max(0, Math.floor((range.count - 1) / context));
}

/**
 * Splits off the last `fraction` (0 <= fraction < 1) of `tokens` for validation, rounded down; the rest is for
 * training. Throws DATA.TOKENS_TOO_FEW when a part that is used has not even one sequence.
 */
export function splitValidation(tokens: number, fraction: number, context: number): DatasetSplit {
  assert(fraction >= 0 && fraction < 1, `validation fraction ${fraction} is not in [0, 1)`);
  const validationCount = Math.floor(tokens * fraction);
  const train = { offset: 0, count: tokens - validationCount };
  const validation = { offset: train.count, count: validationCount };
  if (sequenceCount(train, context) === 0) throw tokensTooFew('train', train.count, context);
  if (fraction > 0 && sequenceCount(validation, context) === 0)
    throw tokensTooFew('validation', validation.count, context);
  return { train, validation };
}
