import { input, output } from '../binding';
import { dimension, flag } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { dropoutRate } from './dropout-rate';
import { dropoutTwin } from './dropout.cpu';

/** Ten rounds for four elements: integer operations, which take as long as those of floating-point numbers. */
const OPERATIONS_PER_ELEMENT = 75;

function elements(dims: Dims): number {
  return dimension(dims, 'B') * dimension(dims, 'T') * dimension(dims, 'C');
}

function perBlock(dims: Dims, target: KernelTarget): KernelVariant {
  const [B, T, C] = [dimension(dims, 'B'), dimension(dims, 'T'), dimension(dims, 'C')];
  const { threshold: THRESHOLD, scale: SCALE } = dropoutRate(dims);
  const overrides = { B, T, C, THRESHOLD, SCALE, RESIDUAL: flag(dims, 'residual') };
  return perItem({ wgsl: 'dropout', overrides }, B * Math.ceil((T * C) / 4), target);
}

/**
 * y = x / (1 - p), or 0 with probability p (+ residual). Dims B, T, C, p and the flag residual. On the gradient of y it
 * is its own backward: site and sequences alone decide what is dropped.
 */
export const dropout: Kernel = {
  name: 'dropout',
  bindings: [
    input('x_BTC'),
    input('residual_BTC'),
    input('site_2', 'u32'),
    input('sequences_B5', 'u32'),
    output('y_BTC'),
  ],
  variant: perBlock,
  reference: perBlock,
  flops: (dims) => OPERATIONS_PER_ELEMENT * elements(dims),
  bytes: (dims) => 4 * ((2 + flag(dims, 'residual')) * elements(dims) + 5 * dimension(dims, 'B') + 2),
  cpu: dropoutTwin,
};
