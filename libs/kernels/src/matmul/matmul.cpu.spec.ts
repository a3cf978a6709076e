import { describe, expect, it } from 'vitest';
import type { TwinTensors } from '../twin-arrays';
import { matmulNnTwin, matmulNtTwin, matmulTnTwin } from './matmul.cpu';

type At = (row: number, k: number) => number;

/** As the twin is meant: one sum after the other, in ascending k. */
function defined({ M, K, N }: { M: number; K: number; N: number }, a: At, b: At, before?: Float64Array): Float64Array {
  return Float64Array.from({ length: M * N }, (_, index) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += a(Math.floor(index / N), k) * b(index % N, k);
    return before === undefined ? sum : sum + (before[index] ?? NaN);
  });
}

const values = (count: number, seed: number): Float64Array =>
  Float64Array.from({ length: count }, (_, index) => Math.sin(12.9898 * (index + 1) + 78.233 * seed));

/** Columns of all remainders modulo those that are summed side by side. */
describe.each([1, 2, 3, 4, 5, 6, 7, 8, 97])('the twins of the matrix products, %i columns', (N) => {
  const sizes = { M: 3, K: 61, N };
  const { M, K } = sizes;
  const [a, b, before] = [values(M * K, 1), values(K * N, 2), values(M * N, 3)];
  const x =
    (array: Float64Array, row: number, k: number): At =>
    (index, at) =>
      array[index * row + at * k] ?? NaN;

  it.each([
    ['nn', matmulNnTwin, { a_MK: a, b_KN: b }, x(a, K, 1), x(b, 1, N)],
    ['nt', matmulNtTwin, { a_MK: a, b_NK: b }, x(a, K, 1), x(b, K, 1)],
    ['tn', matmulTnTwin, { a_KM: a, b_KN: b }, x(a, 1, M), x(b, 1, N)],
  ] as const)('%s has the bits of the definition, added to c or not', (_, twin, factors, rows, columns) => {
    for (const accumulate of [0, 1]) {
      const tensors: TwinTensors = { ...factors, c_MN: before.slice() };
      twin({ ...sizes, accumulate }, tensors);
      const expected = defined(sizes, rows, columns, accumulate === 1 ? before : undefined);
      expect(tensors['c_MN']).toEqual(expected);
    }
  });
});
