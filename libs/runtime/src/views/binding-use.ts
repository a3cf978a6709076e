import { bindingShape, type Dims, type KernelBinding } from '@millrace/kernels';
import { elementCount } from '@millrace/tensor';

/** The elements from the first to the last that an operation with these dims reads or writes of a binding. */
export function elementsUsed({ name, strided }: KernelBinding, dims: Dims): number {
  const shape = bindingShape(name, dims);
  if (!strided) return elementCount(shape);
  const [rows = 1, columns = 1] = shape;
  return (rows - 1) * (dims['stride'] ?? columns) + columns;
}
