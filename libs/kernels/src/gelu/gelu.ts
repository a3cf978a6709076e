import { input, output } from '../binding';
import { dimension } from '../dimension';
import type { Kernel } from '../kernel';
import { elementwise } from '../elementwise';
import { geluBackwardTwin, geluForwardTwin } from './gelu.cpu';

/** y = gelu(x), tanh form. Dims L (element count). */
export const geluForward: Kernel = {
  name: 'gelu_forward',
  bindings: [input('x_L'), output('y_L')],
  ...elementwise('gelu_forward'),
  flops: (dims) => 9 * dimension(dims, 'L'),
  bytes: (dims) => 8 * dimension(dims, 'L'),
  cpu: geluForwardTwin,
};

/** dx = dy gelu'(x), tanh form. Dims L (element count). */
export const geluBackward: Kernel = {
  name: 'gelu_backward',
  bindings: [input('x_L'), input('dy_L'), output('dx_L')],
  ...elementwise('gelu_backward'),
  flops: (dims) => 18 * dimension(dims, 'L'),
  bytes: (dims) => 12 * dimension(dims, 'L'),
  cpu: geluBackwardTwin,
};
