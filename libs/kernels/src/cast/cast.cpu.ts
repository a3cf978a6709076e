import { roundToFloat16 } from '@millrace/tensor';
import type { Dims } from '../kernel';
import { doubles, type TwinTensors } from '../twin-arrays';

/** Twin of narrow. Shapes: x[L] -> y[L]. */
export function narrowTwin(_dims: Dims, tensors: TwinTensors): void {
  const y_L = doubles(tensors, 'y_L');
  y_L.set(doubles(tensors, 'x_L'));
  roundToFloat16(y_L);
}

/** Twin of widen. Shapes: x[L] -> y[L]. */
export function widenTwin(_dims: Dims, tensors: TwinTensors): void {
  doubles(tensors, 'y_L').set(doubles(tensors, 'x_L'));
}
