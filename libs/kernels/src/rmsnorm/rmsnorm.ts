import { input, output } from '../binding';
import { dimension, flag, real } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { rmsnormBackwardInputTwin, rmsnormBackwardWeightTwin, rmsnormForwardTwin } from './rmsnorm.cpu';

function elements(dims: Dims): number {
  return dimension(dims, 'N') * dimension(dims, 'C');
}

function sizes(dims: Dims): { N: number; C: number } {
  return { N: dimension(dims, 'N'), C: dimension(dims, 'C') };
}

function forward(dims: Dims, target: KernelTarget): KernelVariant {
  const overrides = { ...sizes(dims), EPSILON: real(dims, 'eps') };
  return perItem({ wgsl: 'rmsnorm_forward', overrides }, dimension(dims, 'N'), target);
}

function backwardInput(dims: Dims, target: KernelTarget): KernelVariant {
  const overrides = { ...sizes(dims), RESIDUAL: flag(dims, 'residual') };
  return perItem({ wgsl: 'rmsnorm_backward_input', overrides }, dimension(dims, 'N'), target);
}

function backwardWeight(dims: Dims, target: KernelTarget): KernelVariant {
  const overrides = { ...sizes(dims), ACCUMULATE: flag(dims, 'accumulate') };
  return perItem({ wgsl: 'rmsnorm_backward_weight', overrides }, dimension(dims, 'C'), target);
}

/** y = x rstd weight per row, eps inside the root. Dims N, C, eps. */
export const rmsnormForward: Kernel = {
  name: 'rmsnorm_forward',
  bindings: [input('x_NC'), input('weight_C'), output('y_NC'), output('rstd_N')],
  variant: forward,
  reference: forward,
  flops: (dims) => 4 * elements(dims),
  bytes: (dims) => 4 * (2 * elements(dims) + dimension(dims, 'C') + dimension(dims, 'N')),
  cpu: rmsnormForwardTwin,
};

/** dx (+ residual). Dims N, C and the flag residual; with residual 0 its binding takes dy_NC. */
export const rmsnormBackwardInput: Kernel = {
  name: 'rmsnorm_backward_input',
  bindings: [input('dy_NC'), input('x_NC'), input('weight_C'), input('rstd_N'), input('residual_NC'), output('dx_NC')],
  variant: backwardInput,
  reference: backwardInput,
  flops: (dims) => 9 * elements(dims),
  bytes: (dims) => 4 * ((3 + flag(dims, 'residual')) * elements(dims) + dimension(dims, 'C') + dimension(dims, 'N')),
  cpu: rmsnormBackwardInputTwin,
};

/** dweight (+ what it holds). Dims N, C and the flag accumulate. */
export const rmsnormBackwardWeight: Kernel = {
  name: 'rmsnorm_backward_weight',
  bindings: [input('dy_NC'), input('x_NC'), input('rstd_N'), output('dweight_C')],
  variant: backwardWeight,
  reference: backwardWeight,
  flops: (dims) => 3 * elements(dims),
  bytes: (dims) =>
    4 * (2 * elements(dims) + dimension(dims, 'N') + (1 + flag(dims, 'accumulate')) * dimension(dims, 'C')),
  cpu: rmsnormBackwardWeightTwin,
};
