import { assert } from '@millrace/core';
import type { Dims } from './kernel';

/** A size of an operation: a positive integer, or a bug in the program that was built. */
export function dimension(dims: Dims, name: string): number {
  const value = dims[name];
  assert(value !== undefined && Number.isSafeInteger(value) && value > 0, `dimension ${name} is ${value}`);
  return value;
}

/** A 0/1 flag of an operation; absent means 0. */
export function flag(dims: Dims, name: string): 0 | 1 {
  const value = dims[name] ?? 0;
  assert(value === 0 || value === 1, `flag ${name} is ${value}, not 0 or 1`);
  return value;
}

/** Where an operation begins in something larger: a whole number; absent means 0, its beginning. */
export function position(dims: Dims, name: string): number {
  const value = dims[name] ?? 0;
  assert(Number.isSafeInteger(value) && value >= 0, `position ${name} is ${value}`);
  return value;
}

/** A parameter of an operation that is no size, such as an epsilon: a finite number. */
export function real(dims: Dims, name: string): number {
  const value = dims[name];
  assert(value !== undefined && Number.isFinite(value), `parameter ${name} is ${value}`);
  return value;
}
