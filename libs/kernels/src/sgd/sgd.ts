import { input, output } from '../binding';
import { dimension, flag } from '../dimension';
import { elementwise } from '../elementwise';
import type { Kernel } from '../kernel';
import { sgdMomentumTwin, sgdTwin } from './sgd.cpu';

/** One SGD update. Dims L (element count) and the flag decay. hyper_4 = lr, momentum, weightDecay, clip coefficient. */
export const sgd: Kernel = {
  name: 'sgd',
  bindings: [input('gradient_L'), input('hyper_4'), output('weight_L')],
  ...elementwise('sgd', (dims) => ({ DECAY: flag(dims, 'decay') })),
  flops: (dims) => 4 * dimension(dims, 'L'),
  bytes: (dims) => 4 * (3 * dimension(dims, 'L') + 4),
  cpu: sgdTwin,
};

/** The same with a buffer: buf = momentum buf + g, w -= lr buf. */
export const sgdMomentum: Kernel = {
  name: 'sgd_momentum',
  bindings: [input('gradient_L'), input('hyper_4'), output('weight_L'), output('momentum_L')],
  ...elementwise('sgd_momentum', (dims) => ({ DECAY: flag(dims, 'decay') })),
  flops: (dims) => 6 * dimension(dims, 'L'),
  bytes: (dims) => 4 * (5 * dimension(dims, 'L') + 4),
  cpu: sgdMomentumTwin,
};
