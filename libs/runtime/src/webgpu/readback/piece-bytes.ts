import { DTYPE_BYTES, wholeWords, WORD_BYTES } from '@millrace/tensor';
import type { TensorPiece } from '../../backend';
import { DEVICE_ARRAY, type HostArray } from '../../host-array';

/** The bytes that are copied to read a piece. An empty tensor has bytes too, since it is bound. */
export function pieceBytes({ tensor, elementCount }: TensorPiece): number {
  return Math.max(wholeWords(elementCount * DTYPE_BYTES[tensor.declaration.dtype]), WORD_BYTES);
}

/** Copies a piece out of mapped memory, where it begins at `offset`. */
export function pieceValues({ tensor, elementCount }: TensorPiece, mapped: ArrayBuffer, offset: number): HostArray {
  return new DEVICE_ARRAY[tensor.declaration.dtype](mapped, offset, elementCount).slice();
}
