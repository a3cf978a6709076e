import type { ProgramStep } from '@millrace/kernels';
import { gradientName } from '../../stage/stage-context';

/** [rows N, inputs, outputs] of y = x W + b with W [inputs, outputs]. */
export type Conv1dSizes = readonly [rows: number, inputs: number, outputs: number];

export interface Conv1dForward {
  readonly x: string;
  /** The name without `.weight` and `.bias`. */
  readonly weight: string;
  readonly y: string;
  /** A tensor that is added to the result. */
  readonly residual?: string;
}

/** y = x W + b (+ residual). */
export function conv1d([M, K, N]: Conv1dSizes, { x, weight, y, residual }: Conv1dForward): ProgramStep {
  return {
    kernel: 'matmul_nn',
    dims: { M, K, N, bias: 1, residual: residual === undefined ? 0 : 1, accumulate: 0 },
    // An unused residual is bound to x, which is only read.
    tensors: { a_MK: x, b_KN: `${weight}.weight`, bias_N: `${weight}.bias`, residual_MN: residual ?? x, c_MN: y },
  };
}

/** dx = dy Wᵀ. */
export function conv1dInputGradient(
  [M, inputs, outputs]: Conv1dSizes,
  { dy, weight, dx }: { dy: string; weight: string; dx: string },
): ProgramStep {
  return {
    kernel: 'matmul_nt',
    dims: { M, K: outputs, N: inputs, residual: 0, accumulate: 0 },
    // The residual is unused, and bound to what is only read.
    tensors: { a_MK: dy, b_NK: `${weight}.weight`, residual_MN: dy, c_MN: dx },
  };
}

/** dW += xᵀ dy, db += column sums of dy. */
export function conv1dWeightGradient(
  [rows, inputs, outputs]: Conv1dSizes,
  { x, dy, weight }: { x: string; dy: string; weight: string },
): ProgramStep[] {
  return [
    {
      kernel: 'matmul_tn',
      dims: { M: inputs, K: rows, N: outputs, accumulate: 1 },
      tensors: { a_KM: x, b_KN: dy, c_MN: gradientName(`${weight}.weight`) },
    },
    {
      kernel: 'bias_backward',
      dims: { N: rows, C: outputs, accumulate: 1 },
      tensors: { dy_NC: dy, db_C: gradientName(`${weight}.bias`) },
    },
  ];
}
