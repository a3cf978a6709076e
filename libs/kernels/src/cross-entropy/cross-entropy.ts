import { input, output } from '../binding';
import { dimension, position } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { rowLaunches, type RowOperation } from '../rows/row-forms';
import { crossEntropyBackwardTwin, crossEntropyForwardTwin, crossEntropyGradientTwin } from './cross-entropy.cpu';

function sizes(dims: Dims): { readonly [size: string]: number; N: number; V: number } {
  return { N: dimension(dims, 'N'), V: dimension(dims, 'V') };
}

function forwardRows(dims: Dims): RowOperation {
  const overrides = sizes(dims);
  return {
    kernel: 'cross_entropy_forward',
    rows: overrides.N,
    length: overrides.V,
    heldCount: 1,
    overrides,
    longRounding: 'running',
  };
}

function forwardNaive(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem({ wgsl: 'cross_entropy_forward', overrides: sizes(dims) }, dimension(dims, 'N'), target);
}

/** Classes of a part, from `first` on. */
function gradient(dims: Dims, target: KernelTarget): KernelVariant {
  const { N, V } = sizes(dims);
  const overrides = { N, V, FIRST: position(dims, 'first') };
  return perItem({ wgsl: 'cross_entropy_gradient', overrides }, N * V, target);
}

function backward(dims: Dims, target: KernelTarget): KernelVariant {
  const items = dimension(dims, 'N') * dimension(dims, 'V');
  return perItem({ wgsl: 'cross_entropy_backward', overrides: sizes(dims) }, items, target);
}

/** loss and log-sum-exp of every row, natural logarithm. Dims N, V. */
export const crossEntropyForward: Kernel = {
  name: 'cross_entropy_forward',
  bindings: [input('logits_NV'), input('targets_N', 'u32'), output('loss_N'), output('lse_N')],
  ...rowLaunches(forwardRows, forwardNaive),
  flops: (dims) => 4 * dimension(dims, 'N') * dimension(dims, 'V'),
  bytes: (dims) => 4 * dimension(dims, 'N') * (dimension(dims, 'V') + 3),
  cuts: [{ axis: 'N' }],
  cpu: crossEntropyForwardTwin,
};

/** dlogits = (softmax - onehot) scale[0]. Dims N, V. */
export const crossEntropyBackward: Kernel = {
  name: 'cross_entropy_backward',
  bindings: [input('logits_NV'), input('targets_N', 'u32'), input('lse_N'), input('scale_1'), output('dlogits_NV')],
  variant: backward,
  reference: backward,
  flops: (dims) => 4 * dimension(dims, 'N') * dimension(dims, 'V'),
  bytes: (dims) => 4 * (dimension(dims, 'N') * (2 * dimension(dims, 'V') + 2) + 1),
  cuts: [{ axis: 'N' }],
  cpu: crossEntropyBackwardTwin,
};

/**
 * The same in place, for V classes from `first` on: logits = (softmax - onehot) scale[0], where lse is over all
 * classes. Dims N, V and `first`.
 */
export const crossEntropyGradient: Kernel = {
  name: 'cross_entropy_gradient',
  bindings: [input('targets_N', 'u32'), input('lse_N'), input('scale_1'), output('logits_NV')],
  variant: gradient,
  reference: gradient,
  flops: (dims) => 4 * dimension(dims, 'N') * dimension(dims, 'V'),
  bytes: (dims) => 4 * (dimension(dims, 'N') * (2 * dimension(dims, 'V') + 2) + 1),
  cuts: [{ axis: 'N' }],
  cpu: crossEntropyGradientTwin,
};
