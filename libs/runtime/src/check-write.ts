import type { TensorDeclaration } from '@millrace/kernels';
import { elementCount } from '@millrace/tensor';
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
}

/** Throws RUNTIME.TENSOR_MISMATCH unless all of one tensor can be copied into the other. */
export function checkCopy(source: TensorDeclaration, target: TensorDeclaration): void {
  const [from, to] = [source, target].map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`);
  if (source.dtype !== target.dtype || elementCount(source.shape) !== elementCount(target.shape)) {
    throw tensorMismatchError('copy', target.name, `it is ${to}, ${source.name} is ${from}; copy between equals`);
  }
}
