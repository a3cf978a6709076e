import { input, inputIf, output } from '../binding';
import { accumulatingCut } from '../accumulating-cut';
import { dimension, flag, real } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { columnVariant } from '../rows/column-sums';
import { rowLaunches, type RowOperation } from '../rows/row-forms';
import { layernormBackwardInputTwin, layernormBackwardWeightTwin, layernormForwardTwin } from './layernorm.cpu';

function elements(dims: Dims): number {
  return dimension(dims, 'N') * dimension(dims, 'C');
}

function sizes(dims: Dims): { N: number; C: number } {
  return { N: dimension(dims, 'N'), C: dimension(dims, 'C') };
}

function forwardNaive(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem({ wgsl: 'layernorm_forward', overrides: forwardOverrides(dims) }, dimension(dims, 'N'), target);
}

function forwardOverrides(dims: Dims): Dims {
  return { ...sizes(dims), EPSILON: real(dims, 'eps') };
}

function backwardInputNaive(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem(
    { wgsl: 'layernorm_backward_input', overrides: backwardOverrides(dims) },
    dimension(dims, 'N'),
    target,
  );
}

function backwardOverrides(dims: Dims): Dims {
  return { ...sizes(dims), RESIDUAL: flag(dims, 'residual') };
}

function forwardRows(dims: Dims): RowOperation {
  return {
    kernel: 'layernorm_forward',
    rows: dimension(dims, 'N'),
    length: dimension(dims, 'C'),
    heldCount: 1,
    overrides: forwardOverrides(dims),
    longRounding: 'running',
  };
}

function backwardRows(dims: Dims): RowOperation {
  return {
    kernel: 'layernorm_backward_input',
    rows: dimension(dims, 'N'),
    length: dimension(dims, 'C'),
    heldCount: 2,
    overrides: backwardOverrides(dims),
    longRounding: 'tree',
  };
}

function backwardWeight(dims: Dims, target: KernelTarget): KernelVariant {
  const sums = { overrides: weightOverrides(dims), columns: dimension(dims, 'C') };
  return columnVariant('layernorm_backward_weight', sums, target) ?? backwardWeightNaive(dims, target);
}

function backwardWeightNaive(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem({ wgsl: 'layernorm_backward_weight', overrides: weightOverrides(dims) }, dimension(dims, 'C'), target);
}

function weightOverrides(dims: Dims): Dims {
  return { ...sizes(dims), ACCUMULATE: flag(dims, 'accumulate') };
}

/** y = (x - mean) rstd weight + bias per row, eps inside the root, biased variance. Dims N, C, eps. */
export const layernormForward: Kernel = {
  name: 'layernorm_forward',
  bindings: [input('x_NC'), input('weight_C'), input('bias_C'), output('y_NC'), output('mean_N'), output('rstd_N')],
  ...rowLaunches(forwardRows, forwardNaive),
  flops: (dims) => 8 * elements(dims),
  bytes: (dims) => 4 * (2 * elements(dims) + 2 * dimension(dims, 'C') + 2 * dimension(dims, 'N')),
  cuts: [{ axis: 'N' }],
  cpu: layernormForwardTwin,
};

/** dx (+ residual). Dims N, C and the flag residual; with residual 0 its binding takes dy_NC. */
export const layernormBackwardInput: Kernel = {
  name: 'layernorm_backward_input',
  bindings: [
    input('dy_NC'),
    input('x_NC'),
    input('weight_C'),
    input('mean_N'),
    input('rstd_N'),
    inputIf('residual', 'residual_NC'),
    output('dx_NC'),
  ],
  ...rowLaunches(backwardRows, backwardInputNaive),
  flops: (dims) => 12 * elements(dims),
  bytes: (dims) =>
    4 * ((3 + flag(dims, 'residual')) * elements(dims) + dimension(dims, 'C') + 2 * dimension(dims, 'N')),
  cuts: [{ axis: 'N' }],
  cpu: layernormBackwardInputTwin,
};

/** dweight and dbias (+ what they hold). Dims N, C and the flag accumulate. */
export const layernormBackwardWeight: Kernel = {
  name: 'layernorm_backward_weight',
  bindings: [input('dy_NC'), input('x_NC'), input('mean_N'), input('rstd_N'), output('dweight_C'), output('dbias_C')],
  variant: backwardWeight,
  reference: backwardWeightNaive,
  flops: (dims) => 5 * elements(dims),
  bytes: (dims) =>
    4 * (2 * elements(dims) + 2 * dimension(dims, 'N') + (2 + 2 * flag(dims, 'accumulate')) * dimension(dims, 'C')),
  cuts: [accumulatingCut('N')],
  cpu: layernormBackwardWeightTwin,
};
