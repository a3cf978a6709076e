import type { TensorDeclaration } from '@millrace/kernels';
import { elementCount, type Shape, DTYPE_BYTES, WORD_BYTES, type DType } from '@millrace/tensor';
import { fitsDType, type HostArray } from './host-array';
import { tensorMismatchError } from './runtime.errors';

/** Throws RUNTIME.TENSOR_MISMATCH unless `data` has the tensor's type and ends inside it. */
export function checkWrite(declaration: TensorDeclaration, data: HostArray, elementOffset: number): void {
  const { name, shape, dtype } = declaration;
  const count = elementCount(shape);
  if (!fitsDType(data, dtype)) {
    throw tensorMismatchError('write', name, `a ${data.constructor.name} does not fit the type ${dtype}; convert it`);
  }
  if (elementOffset < 0 || elementOffset + data.length > count) {
    const range = `elements ${elementOffset} to ${elementOffset + data.length - 1}`;
    throw tensorMismatchError('write', name, `${range} are written but it has ${count}; write a part that fits`);
  }
  checkWords('write', declaration, { elementOffset, elementCount: data.length });
}

/** Devices copy whole words, so that a part of a tensor begins and ends between words, or at the tensor's end. */
export function checkWords(
  action: string,
  { name, shape, dtype }: { readonly name: string; readonly shape: Shape; readonly dtype: DType },
  part: { readonly elementOffset: number; readonly elementCount: number },
): void {
  const perWord = WORD_BYTES / DTYPE_BYTES[dtype];
  const end = part.elementOffset + part.elementCount;
  if (part.elementOffset % perWord === 0 && (end % perWord === 0 || end === elementCount(shape))) return;
  const range = `elements ${part.elementOffset} to ${end - 1} of ${dtype} are no whole words`;
  throw tensorMismatchError(action, name, `${range}; begin and end at multiples of ${perWord} elements`);
}

/** Throws RUNTIME.TENSOR_MISMATCH unless all of one tensor can be copied into the other. */
export function checkCopy(source: TensorDeclaration, target: TensorDeclaration): void {
  const [from, to] = [source, target].map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`);
  if (source.dtype !== target.dtype || elementCount(source.shape) !== elementCount(target.shape)) {
    throw tensorMismatchError('copy', target.name, `it is ${to}, ${source.name} is ${from}; copy between equals`);
  }
}
