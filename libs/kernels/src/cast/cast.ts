import { input, output } from '../binding';
import { dimension } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { narrowTwin, widenTwin } from './cast.cpu';

/** One invocation per word, which holds two elements of f16. */
function perWord(wgsl: string): (dims: Dims, target: KernelTarget) => KernelVariant {
  return (dims, target) => {
    const L = dimension(dims, 'L');
    return perItem({ wgsl, overrides: { L } }, Math.ceil(L / 2), target);
  };
}

/** y = x, rounded from f32 to the nearest f16. Dims L (element count). */
export const narrow: Kernel = {
  name: 'narrow',
  bindings: [input('x_L'), output('y_L', 'f16')],
  variant: perWord('narrow'),
  reference: perWord('narrow'),
  flops: () => 0,
  bytes: (dims) => 6 * dimension(dims, 'L'),
  cuts: [{ axis: 'L' }],
  cpu: narrowTwin,
};

/** y = x, from f16 to f32. Dims L (element count). */
export const widen: Kernel = {
  name: 'widen',
  bindings: [input('x_L', 'f16'), output('y_L')],
  variant: perWord('widen'),
  reference: perWord('widen'),
  flops: () => 0,
  bytes: (dims) => 6 * dimension(dims, 'L'),
  cuts: [{ axis: 'L' }],
  cpu: widenTwin,
};
