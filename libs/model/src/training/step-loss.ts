import { IGNORED_TARGET } from '@millrace/kernels';

/**
 * Adds the row losses of one micro-batch to `sum`, in ascending row order, in doubles. The loss of a step is this sum
 * over all micro-batches in ascending order, divided once by the tokens of the step.
 */
export function addLossRows(sum: number, loss_N: ArrayLike<number>): number {
  let total = sum;
  for (let row = 0; row < loss_N.length; row++) total += loss_N[row] as number;
  return total;
}

/**
 * Counts the tokens that have a target, which are the rows whose target is not -1. A step's loss and gradient are
 * divided by their number over all its micro-batches, so that a micro-batch with fewer of them weighs less.
 */
export function countTargets(targets_N: Uint32Array): number {
  let count = 0;
  for (const target of targets_N) if (target !== IGNORED_TARGET) count += 1;
  return count;
}
