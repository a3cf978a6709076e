import { assert } from '@millrace/core';
import type { TensorDeclaration } from '@millrace/kernels';
import { elementCount, type TensorView, viewProblem } from '@millrace/tensor';

/** The view of `whole` that a part of it is, from element `offset` on. */
export function checkPart(whole: TensorDeclaration, part: TensorDeclaration, offset: number): TensorView {
  const view = { tensor: whole.name, offset, length: elementCount(part.shape) };
  const problem =
    part.dtype === whole.dtype ? viewProblem(view, whole) : `it is ${part.dtype} and the whole is ${whole.dtype}`;
  assert(problem === undefined, `tensor ${part.name} is no part of ${whole.name}: ${problem}`);
  return view;
}
