import { input, output } from '../binding';
import { dimension } from '../dimension';
import { elementwise } from '../elementwise';
import type { Kernel } from '../kernel';
import { addTwin } from './add.cpu';

/** y = a + b. Dims L (element count). */
export const add: Kernel = {
  name: 'add',
  bindings: [input('a_L'), input('b_L'), output('y_L')],
  ...elementwise('add'),
  flops: (dims) => dimension(dims, 'L'),
  bytes: (dims) => 12 * dimension(dims, 'L'),
  cpu: addTwin,
};
