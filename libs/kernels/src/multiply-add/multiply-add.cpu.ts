import { dimension } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

export const MULTIPLY_ADD_CHAINS = 32;

/** Twin of multiply_add. Shapes: x[L] factors[2] -> y[L]. */
export function multiplyAddTwin(dims: Dims, tensors: TwinTensors): void {
  const x_L = doubles(tensors, 'x_L');
  const factors_2 = doubles(tensors, 'factors_2');
  const y_L = doubles(tensors, 'y_L');
  const R = dimension(dims, 'R');
  const [factor, summand] = [at(factors_2, 0), at(factors_2, 1)];
  for (let index = 0; index < dimension(dims, 'L'); index++) {
    let sum = 0;
    for (let chain = 0; chain < MULTIPLY_ADD_CHAINS; chain++) {
      let z = at(x_L, index) + chain / MULTIPLY_ADD_CHAINS;
      for (let step = 0; step < R; step++) z = z * factor + summand;
      sum += z;
    }
    y_L[index] = sum;
  }
}
