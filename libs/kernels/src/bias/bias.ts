import { input, output } from '../binding';
import { accumulatingCut } from '../accumulating-cut';
import { dimension, flag } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { columnVariant } from '../rows/column-sums';
import { biasBackwardTwin } from './bias.cpu';

function overridesOf(dims: Dims): { readonly [name: string]: number; readonly C: number } {
  return { N: dimension(dims, 'N'), C: dimension(dims, 'C'), ACCUMULATE: flag(dims, 'accumulate') };
}

function naive(dims: Dims, target: KernelTarget): KernelVariant {
  const overrides = overridesOf(dims);
  return perItem({ wgsl: 'bias_backward', overrides }, overrides.C, target);
}

function backward(dims: Dims, target: KernelTarget): KernelVariant {
  const overrides = overridesOf(dims);
  return columnVariant('bias_backward', { overrides, columns: overrides.C }, target) ?? naive(dims, target);
}

/** db = sum over rows of dy (+ db). Dims N, C and the flag accumulate. */
export const biasBackward: Kernel = {
  name: 'bias_backward',
  bindings: [input('dy_NC'), output('db_C')],
  variant: backward,
  reference: naive,
  flops: (dims) => dimension(dims, 'N') * dimension(dims, 'C'),
  bytes: (dims) => 4 * dimension(dims, 'C') * (dimension(dims, 'N') + 1 + flag(dims, 'accumulate')),
  cuts: [accumulatingCut('N')],
  cpu: biasBackwardTwin,
};
