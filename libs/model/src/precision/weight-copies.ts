import type { Operation, Program, TensorDeclaration } from '@millrace/kernels';
import { elementCount } from '@millrace/tensor';

const SUFFIX = '.f16';

/** The copy in f16 of a weight, which products read. */
export function weightCopy({ name, shape }: Pick<TensorDeclaration, 'name' | 'shape'>): TensorDeclaration {
  return { name: `${name}${SUFFIX}`, shape, dtype: 'f16', role: 'copy' };
}

/** The copies that programs read. */
export function weightCopies(programs: readonly Program[]): TensorDeclaration[] {
  const copies = programs.flatMap(({ tensors }) => tensors.filter(({ role }) => role === 'copy'));
  return [...new Map(copies.map((copy) => [copy.name, copy])).values()];
}

/** The weight of which a tensor is the copy. */
export function weightOf({ name, shape }: TensorDeclaration): TensorDeclaration {
  return { name: name.slice(0, -SUFFIX.length), shape, dtype: 'f32', role: 'parameter' };
}

/** Makes a copy what its weight is now. */
export function copyStep(copy: TensorDeclaration): Operation {
  const tensors = { x_L: weightOf(copy).name, y_L: copy.name };
  return { kernel: 'narrow', dims: { L: elementCount(copy.shape) }, tensors };
}
