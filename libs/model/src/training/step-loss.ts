/**
 * Adds the row losses of one micro-batch to `sum`, in ascending row order in double. The loss of a step is this sum
 * over all micro-batches in ascending order, divided once by the tokens of the step.
 */
export function addLossRows(sum: number, loss_N: ArrayLike<number>): number {
  let total = sum;
  for (let row = 0; row < loss_N.length; row++) total += loss_N[row] as number;
  return total;
}
