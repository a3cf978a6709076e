import { assert } from '@millrace/core';
import type { TensorDeclaration } from '@millrace/kernels';
import { elementCount, type TensorView, viewProblem } from '@millrace/tensor';
import type { DeviceTensor } from '../backend';

/** The view of `whole` that a part of it is, from element `offset` on. */
export function checkPart(whole: TensorDeclaration, part: TensorDeclaration, offset: number): TensorView {
  const view = { tensor: whole.name, offset, length: elementCount(part.shape) };
  const problem =
    part.dtype === whole.dtype ? viewProblem(view, whole) : `it is ${part.dtype} and the whole is ${whole.dtype}`;
  assert(problem === undefined, `tensor ${part.name} is no part of ${whole.name}: ${problem}`);
  return view;
}

/** Where a part of `tensor`, which may be a part itself, is in the memory of the whole. */
export function placeIn<
  Tensor extends DeviceTensor & { readonly partOf?: { whole: Tensor; offset: number } | undefined },
>(tensor: Tensor, offset: number): { whole: Tensor; offset: number } {
  const { whole, offset: from } = tensor.partOf ?? { whole: tensor, offset: 0 };
  return { whole, offset: from + offset };
}
