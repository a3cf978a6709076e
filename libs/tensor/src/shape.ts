import { assert } from '@millrace/core';
import { type DType, DTYPE_BYTES } from './dtype';

/** Sizes of a dense row-major tensor, outermost first; [] is a scalar. */
export type Shape = readonly number[];

export function elementCount(shape: Shape): number {
  let count = 1;
  for (const size of shape) {
    assert(Number.isSafeInteger(size) && size >= 0, `shape [${shape.join(', ')}] has the size ${size}`);
    count *= size;
  }
  return count;
}

export function tensorBytes(shape: Shape, dtype: DType): number {
  return elementCount(shape) * DTYPE_BYTES[dtype];
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index]);
}
