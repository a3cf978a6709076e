import { dimension } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** The elements that a partial sum adds, unless they end before. */
export function sumOfSquaresRun(dims: Dims): number {
  return dims['run'] === undefined ? Math.ceil(dimension(dims, 'L') / dimension(dims, 'P')) : dimension(dims, 'run');
}

/** Twin of sum_of_squares. Shapes: x[L] -> partials[P], the p-th over the p-th run of elements. */
export function sumOfSquaresTwin(dims: Dims, tensors: TwinTensors): void {
  const L = dimension(dims, 'L');
  const P = dimension(dims, 'P');
  const chunk = sumOfSquaresRun(dims);
  const x_L = doubles(tensors, 'x_L');
  const partials_P = doubles(tensors, 'partials_P');
  for (let partial = 0; partial < P; partial++) {
    let sum = 0;
    for (let index = partial * chunk; index < Math.min(L, (partial + 1) * chunk); index++) sum += at(x_L, index) ** 2;
    partials_P[partial] = sum;
  }
}
