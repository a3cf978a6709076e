import { assert } from '@millrace/core';
import type { Dims } from '../kernel';
import { real } from '../dimension';

const WORDS = 2 ** 32;

/** How an element is dropped: its random word is below `threshold`; those that stay are multiplied by `scale`. */
export interface DropoutRate {
  readonly threshold: number;
  readonly scale: number;
}

/**
 * From the dimension p, a probability. The scale is exact for the threshold, so that the mean of what stays is that of
 * what comes in, however p is rounded.
 */
export function dropoutRate(dims: Dims): DropoutRate {
  const p = real(dims, 'p');
  assert(p >= 0 && p < 1, `the dropout of an operation is ${p}: at least 0 and less than 1`);
  const threshold = Math.min(Math.round(p * WORDS), WORDS - 1);
  return { threshold, scale: WORDS / (WORDS - threshold) };
}
