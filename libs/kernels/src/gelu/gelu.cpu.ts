import { dimension } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** Twin of gelu_forward. Shapes: x[L] -> y[L]. */
export function geluForwardTwin(dims: Dims, tensors: TwinTensors): void {
  const x_L = doubles(tensors, 'x_L');
  const y_L = doubles(tensors, 'y_L');
  for (let index = 0; index < dimension(dims, 'L'); index++) {
    const x = at(x_L, index);
    y_L[index] = 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + CUBIC * x ** 3)));
  }
}

/** Twin of gelu_backward. Shapes: x[L] dy[L] -> dx[L]. */
export function geluBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const x_L = doubles(tensors, 'x_L');
  const dy_L = doubles(tensors, 'dy_L');
  const dx_L = doubles(tensors, 'dx_L');
  for (let index = 0; index < dimension(dims, 'L'); index++) {
    const x = at(x_L, index);
    const t = Math.tanh(SQRT_2_OVER_PI * (x + CUBIC * x ** 3));
    const slope = SQRT_2_OVER_PI * (1 + 3 * CUBIC * x * x);
    dx_L[index] = at(dy_L, index) * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope);
  }
}
