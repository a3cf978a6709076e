import { dimension, flag } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** Twin of bias_backward. Shapes: dy[N,C] -> db[C]. */
export function biasBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const C = dimension(dims, 'C');
  const dy_NC = doubles(tensors, 'dy_NC');
  const db_C = doubles(tensors, 'db_C');
  for (let column = 0; column < C; column++) {
    let sum = 0;
    for (let row = 0; row < N; row++) sum += at(dy_NC, row * C + column);
    db_C[column] = flag(dims, 'accumulate') === 1 ? sum + at(db_C, column) : sum;
  }
}
