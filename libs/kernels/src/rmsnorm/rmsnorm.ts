import { input, inputIf, output } from '../binding';
import { accumulatingCut } from '../accumulating-cut';
import { dimension, flag, real } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { columnVariant } from '../rows/column-sums';
import { rowLaunches, type RowOperation } from '../rows/row-forms';
import { rmsnormBackwardInputTwin, rmsnormBackwardWeightTwin, rmsnormForwardTwin } from './rmsnorm.cpu';

function elements(dims: Dims): number {
  return dimension(dims, 'N') * dimension(dims, 'C');
}

function sizes(dims: Dims): { N: number; C: number } {
  return { N: dimension(dims, 'N'), C: dimension(dims, 'C') };
}

function forwardNaive(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem({ wgsl: 'rmsnorm_forward', overrides: forwardOverrides(dims) }, dimension(dims, 'N'), target);
}

function forwardOverrides(dims: Dims): Dims {
  return { ...sizes(dims), EPSILON: real(dims, 'eps') };
}

function backwardInputNaive(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem({ wgsl: 'rmsnorm_backward_input', overrides: backwardOverrides(dims) }, dimension(dims, 'N'), target);
}

function backwardOverrides(dims: Dims): Dims {
  return { ...sizes(dims), RESIDUAL: flag(dims, 'residual') };
}

function forwardRows(dims: Dims): RowOperation {
  return {
    kernel: 'rmsnorm_forward',
    rows: dimension(dims, 'N'),
    length: dimension(dims, 'C'),
    heldCount: 1,
    overrides: forwardOverrides(dims),
    longRounding: 'tree',
  };
}

function backwardRows(dims: Dims): RowOperation {
  return {
    kernel: 'rmsnorm_backward_input',
    rows: dimension(dims, 'N'),
    length: dimension(dims, 'C'),
    heldCount: 2,
    overrides: backwardOverrides(dims),
    longRounding: 'tree',
  };
}

function backwardWeight(dims: Dims, target: KernelTarget): KernelVariant {
  const sums = { overrides: weightOverrides(dims), columns: dimension(dims, 'C') };
  return columnVariant('rmsnorm_backward_weight', sums, target) ?? backwardWeightNaive(dims, target);
}

function backwardWeightNaive(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem({ wgsl: 'rmsnorm_backward_weight', overrides: weightOverrides(dims) }, dimension(dims, 'C'), target);
}

function weightOverrides(dims: Dims): Dims {
  return { ...sizes(dims), ACCUMULATE: flag(dims, 'accumulate') };
}

/** y = x rstd weight per row, eps inside the root. Dims N, C, eps. */
export const rmsnormForward: Kernel = {
  name: 'rmsnorm_forward',
  bindings: [input('x_NC'), input('weight_C'), output('y_NC'), output('rstd_N')],
  ...rowLaunches(forwardRows, forwardNaive),
  flops: (dims) => 4 * elements(dims),
  bytes: (dims) => 4 * (2 * elements(dims) + dimension(dims, 'C') + dimension(dims, 'N')),
  cuts: [{ axis: 'N' }],
  cpu: rmsnormForwardTwin,
};

/** dx (+ residual). Dims N, C and the flag residual; with residual 0 its binding takes dy_NC. */
export const rmsnormBackwardInput: Kernel = {
  name: 'rmsnorm_backward_input',
  bindings: [
    input('dy_NC'),
    input('x_NC'),
    input('weight_C'),
    input('rstd_N'),
    inputIf('residual', 'residual_NC'),
    output('dx_NC'),
  ],
  ...rowLaunches(backwardRows, backwardInputNaive),
  flops: (dims) => 9 * elements(dims),
  bytes: (dims) => 4 * ((3 + flag(dims, 'residual')) * elements(dims) + dimension(dims, 'C') + dimension(dims, 'N')),
  cuts: [{ axis: 'N' }],
  cpu: rmsnormBackwardInputTwin,
};

/** dweight (+ what it holds). Dims N, C and the flag accumulate. */
export const rmsnormBackwardWeight: Kernel = {
  name: 'rmsnorm_backward_weight',
  bindings: [input('dy_NC'), input('x_NC'), input('rstd_N'), output('dweight_C')],
  variant: backwardWeight,
  reference: backwardWeightNaive,
  flops: (dims) => 3 * elements(dims),
  bytes: (dims) =>
    4 * (2 * elements(dims) + dimension(dims, 'N') + (1 + flag(dims, 'accumulate')) * dimension(dims, 'C')),
  cuts: [accumulatingCut('N')],
  cpu: rmsnormBackwardWeightTwin,
};
