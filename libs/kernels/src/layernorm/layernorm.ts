import { input, output } from '../binding';
import { dimension, flag, real } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { layernormBackwardInputTwin, layernormBackwardWeightTwin, layernormForwardTwin } from './layernorm.cpu';

function elements(dims: Dims): number {
  return dimension(dims, 'N') * dimension(dims, 'C');
}

function sizes(dims: Dims): { N: number; C: number } {
  return { N: dimension(dims, 'N'), C: dimension(dims, 'C') };
}

function forward(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem(
    { wgsl: 'layernorm_forward', overrides: { ...sizes(dims), EPSILON: real(dims, 'eps') } },
    dimension(dims, 'N'),
    target,
  );
}

function backwardInput(dims: Dims, target: KernelTarget): KernelVariant {
  const overrides = { ...sizes(dims), RESIDUAL: flag(dims, 'residual') };
  return perItem({ wgsl: 'layernorm_backward_input', overrides }, dimension(dims, 'N'), target);
}

function backwardWeight(dims: Dims, target: KernelTarget): KernelVariant {
  const overrides = { ...sizes(dims), ACCUMULATE: flag(dims, 'accumulate') };
  return perItem({ wgsl: 'layernorm_backward_weight', overrides }, dimension(dims, 'C'), target);
}

/** y = (x - mean) rstd weight + bias per row, eps inside the root, biased variance. Dims N, C, eps. */
export const layernormForward: Kernel = {
  name: 'layernorm_forward',
  bindings: [input('x_NC'), input('weight_C'), input('bias_C'), output('y_NC'), output('mean_N'), output('rstd_N')],
  variant: forward,
  reference: forward,
  flops: (dims) => 8 * elements(dims),
  bytes: (dims) => 4 * (2 * elements(dims) + 2 * dimension(dims, 'C') + 2 * dimension(dims, 'N')),
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
    input('residual_NC'),
    output('dx_NC'),
  ],
  variant: backwardInput,
  reference: backwardInput,
  flops: (dims) => 12 * elements(dims),
  bytes: (dims) =>
    4 * ((3 + flag(dims, 'residual')) * elements(dims) + dimension(dims, 'C') + 2 * dimension(dims, 'N')),
  cpu: layernormBackwardInputTwin,
};

/** dweight and dbias (+ what they hold). Dims N, C and the flag accumulate. */
export const layernormBackwardWeight: Kernel = {
  name: 'layernorm_backward_weight',
  bindings: [input('dy_NC'), input('x_NC'), input('mean_N'), input('rstd_N'), output('dweight_C'), output('dbias_C')],
  variant: backwardWeight,
  reference: backwardWeight,
  flops: (dims) => 5 * elements(dims),
  bytes: (dims) =>
    4 * (2 * elements(dims) + 2 * dimension(dims, 'N') + (2 + 2 * flag(dims, 'accumulate')) * dimension(dims, 'C')),
  cpu: layernormBackwardWeightTwin,
};
