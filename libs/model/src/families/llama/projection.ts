import type { ProgramStep } from '@millrace/kernels';
import { gradientName } from '../../stage/stage-context';

/** [rows N, inputs, outputs] of y = x Wᵀ with W [outputs, inputs]. */
export type ProjectionSizes = readonly [rows: number, inputs: number, outputs: number];

export interface Projection {
  readonly x: string;
  readonly weight: string;
  readonly y: string;
  /** A tensor that is added to the result. */
  readonly residual?: string;
}

/** y = x Wᵀ (+ residual). */
export function projection([M, K, N]: ProjectionSizes, { x, weight, y, residual }: Projection): ProgramStep {
  return {
    kernel: 'matmul_nt',
    dims: { M, K, N, residual: residual === undefined ? 0 : 1, accumulate: 0 },
    // An unused residual is bound to x, which is only read.
    tensors: { a_MK: x, b_NK: weight, residual_MN: residual ?? x, c_MN: y },
  };
}

/** dx = dy W, or dx += dy W if several projections read the same x. */
export function projectionInputGradient(
  [M, inputs, outputs]: ProjectionSizes,
  { dy, weight, dx, accumulate = 0 }: { dy: string; weight: string; dx: string; accumulate?: 0 | 1 },
): ProgramStep {
  return {
    kernel: 'matmul_nn',
    dims: { M, K: outputs, N: inputs, bias: 0, residual: 0, accumulate },
    // Bias and residual are unused, and bound to tensors that are only read.
    tensors: { a_MK: dy, b_KN: weight, bias_N: dy, residual_MN: dy, c_MN: dx },
  };
}

/** dW += dyᵀ x. */
export function projectionWeightGradient(
  [rows, inputs, outputs]: ProjectionSizes,
  { x, dy, weight }: { x: string; dy: string; weight: string },
): ProgramStep {
  return {
    kernel: 'matmul_tn',
    dims: { M: outputs, K: rows, N: inputs, accumulate: 1 },
    tensors: { a_KM: dy, b_KN: x, c_MN: gradientName(weight) },
  };
}
