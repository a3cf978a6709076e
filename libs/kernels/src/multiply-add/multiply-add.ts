import { input, output } from '../binding';
import { dimension } from '../dimension';
import { elementwise } from '../elementwise';
import type { Kernel } from '../kernel';
import { MULTIPLY_ADD_CHAINS, multiplyAddTwin } from './multiply-add.cpu';

/**
 * Chains of multiplications and additions in registers: no model has it, but it shows what a device computes at most,
 * beside which other kernels are measured. Dims L (element count) and R (steps).
 */
export const multiplyAdd: Kernel = {
  name: 'multiply_add',
  bindings: [input('x_L'), input('factors_2'), output('y_L')],
  ...elementwise('multiply_add', (dims) => ({ R: dimension(dims, 'R') })),
  flops: (dims) => 2 * MULTIPLY_ADD_CHAINS * dimension(dims, 'R') * dimension(dims, 'L'),
  bytes: (dims) => 8 * dimension(dims, 'L') + 8,
  cpu: multiplyAddTwin,
};
