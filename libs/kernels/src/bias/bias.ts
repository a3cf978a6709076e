import { input, output } from '../binding';
import { dimension, flag } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { biasBackwardTwin } from './bias.cpu';

function scalar(dims: Dims, target: KernelTarget): KernelVariant {
  const C = dimension(dims, 'C');
  const overrides = { N: dimension(dims, 'N'), C, ACCUMULATE: flag(dims, 'accumulate') };
  return perItem({ wgsl: 'bias_backward', overrides }, C, target);
}

/** db = sum over rows of dy (+ db). Dims N, C and the flag accumulate. */
export const biasBackward: Kernel = {
  name: 'bias_backward',
  bindings: [input('dy_NC'), output('db_C')],
  variant: scalar,
  reference: scalar,
  flops: (dims) => dimension(dims, 'N') * dimension(dims, 'C'),
  bytes: (dims) => 4 * dimension(dims, 'C') * (dimension(dims, 'N') + 1 + flag(dims, 'accumulate')),
  cpu: biasBackwardTwin,
};
