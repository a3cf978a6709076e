import { input, output } from '../binding';
import { dimension } from '../dimension';
import { elementwise } from '../elementwise';
import type { Kernel } from '../kernel';
import { swigluBackwardTwin, swigluForwardTwin } from './swiglu.cpu';

/** y = silu(gate) up. Dims L (element count). */
export const swigluForward: Kernel = {
  name: 'swiglu_forward',
  bindings: [input('gate_L'), input('up_L'), output('y_L')],
  ...elementwise('swiglu_forward'),
  flops: (dims) => 6 * dimension(dims, 'L'),
  bytes: (dims) => 12 * dimension(dims, 'L'),
  cpu: swigluForwardTwin,
};

/** Gradients of gate and up. Dims L (element count). */
export const swigluBackward: Kernel = {
  name: 'swiglu_backward',
  bindings: [input('gate_L'), input('up_L'), input('dy_L'), output('dgate_L'), output('dup_L')],
  ...elementwise('swiglu_backward'),
  flops: (dims) => 13 * dimension(dims, 'L'),
  bytes: (dims) => 20 * dimension(dims, 'L'),
  cpu: swigluBackwardTwin,
};
