import { assert } from '@millrace/core';
import { type DType, DTYPE_BYTES, WORD_BYTES } from './dtype';

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

/** Bytes of memory of a tensor, in whole words. */
export function tensorBytes(shape: Shape, dtype: DType): number {
  return wholeWords(elementCount(shape) * DTYPE_BYTES[dtype]);
}

/** The bytes of the words that hold so many bytes. */
export function wholeWords(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index]);
}
