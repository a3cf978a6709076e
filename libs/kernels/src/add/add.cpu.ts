import { dimension } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** Twin of add. Shapes: a[L] b[L] -> y[L]. */
export function addTwin(dims: Dims, tensors: TwinTensors): void {
  const a_L = doubles(tensors, 'a_L');
  const b_L = doubles(tensors, 'b_L');
  const y_L = doubles(tensors, 'y_L');
  for (let index = 0; index < dimension(dims, 'L'); index++) y_L[index] = at(a_L, index) + at(b_L, index);
}
