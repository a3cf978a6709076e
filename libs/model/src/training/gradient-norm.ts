import { assert } from '@millrace/core';

/** The sum of `count` partial sums of one tensor from `first` on, in their order, in doubles. */
export function sumPartials(partials_P: ArrayLike<number>, first: number, count: number): number {
  let sum = 0;
  for (let index = first; index < first + count; index++) sum += partials_P[index]!;
  return sum;
}

/** The square root of the sum over all tensors' sums of squares, added in `order`, whatever stage they came from. */
export function gradientNorm(squares: ReadonlyMap<string, number>, order: readonly string[]): number {
  let sum = 0;
  for (const name of order) {
    const square = squares.get(name);
    assert(square !== undefined, `no sum of squares for ${name}`);
    sum += square;
  }
  return Math.sqrt(sum);
}

/**
 * The factor for every gradient: min(1, clip / (norm + 1e-6)) as in torch.nn.utils.clip_grad_norm_; 1 without `clip`.
 */
export function clipCoefficient(norm: number, clip?: number): number {
  return clip === undefined ? 1 : Math.min(1, clip / (norm + 1e-6));
}
