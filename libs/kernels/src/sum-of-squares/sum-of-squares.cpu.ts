import { dimension } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, integers, type TwinTensors } from '../twin-arrays';

/** The elements that a partial sum adds, unless they end before. */
export function sumOfSquaresRun(dims: Dims): number {
  return dims['run'] === undefined ? Math.ceil(dimension(dims, 'L') / dimension(dims, 'P')) : dimension(dims, 'run');
}

function sumOfRange(x_L: Float64Array, first: number, end: number): number {
  let sum = 0;
  for (let index = first; index < end; index++) sum += at(x_L, index) ** 2;
  return sum;
}

/** Twin of sum_of_squares. Shapes: x[L] -> partials[P], the p-th over the p-th run of elements. */
export function sumOfSquaresTwin(dims: Dims, tensors: TwinTensors): void {
  const L = dimension(dims, 'L');
  const chunk = sumOfSquaresRun(dims);
  const x_L = doubles(tensors, 'x_L');
  const partials_P = doubles(tensors, 'partials_P');
  for (let partial = 0; partial < dimension(dims, 'P'); partial++)
    partials_P[partial] = sumOfRange(x_L, partial * chunk, Math.min(L, (partial + 1) * chunk));
}

/** Twin of sum_of_squares_packed. Shapes: x[L] ranges[P,2] -> partials[P], the p-th over the p-th range. */
export function sumOfSquaresPackedTwin(dims: Dims, tensors: TwinTensors): void {
  const x_L = doubles(tensors, 'x_L');
  const ranges_P2 = integers(tensors, 'ranges_P2');
  const partials_P = doubles(tensors, 'partials_P');
  for (let partial = 0; partial < dimension(dims, 'P'); partial++)
    partials_P[partial] = sumOfRange(x_L, at(ranges_P2, 2 * partial), at(ranges_P2, 2 * partial + 1));
}
