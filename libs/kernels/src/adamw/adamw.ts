import { input, output } from '../binding';
import { dimension, flag } from '../dimension';
import { elementwise } from '../elementwise';
import type { Kernel } from '../kernel';
import { adamwTwin } from './adamw.cpu';

/**
 * One AdamW update. Dims L (element count) and the flag decay. hyper_10 = lr, beta1, beta2, eps, weightDecay,
 * 1 - beta1^t, 1 - beta2^t, clip coefficient, 1 - beta1, 1 - beta2.
 */
export const adamw: Kernel = {
  name: 'adamw',
  bindings: [input('gradient_L'), input('hyper_10'), output('weight_L'), output('m_L'), output('v_L')],
  ...elementwise('adamw', (dims) => ({ DECAY: flag(dims, 'decay') })),
  flops: (dims) => 15 * dimension(dims, 'L'),
  bytes: (dims) => 4 * (7 * dimension(dims, 'L') + 10),
  cpu: adamwTwin,
};
