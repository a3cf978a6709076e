import { assert } from '@millrace/core';
import { elementCount } from '@millrace/tensor';
import { checkWords } from './check-write';
import type { DeviceTensor, TensorPiece } from './backend';

/** The piece of a tensor to read: all of it, unless a piece is given. */
export function pieceOf(source: DeviceTensor | TensorPiece): TensorPiece {
  if ('declaration' in source)
    return { tensor: source, elementOffset: 0, elementCount: elementCount(source.declaration.shape) };
  const { name, shape } = source.tensor.declaration;
  const end = source.elementOffset + source.elementCount;
  assert(source.elementOffset >= 0 && end <= elementCount(shape), `${name} has no elements up to ${end}`);
  checkWords('read', source.tensor.declaration, source);
  return source;
}
