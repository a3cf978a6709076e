import { dimension, flag } from '../../dimension';
import type { Dims } from '../../kernel';
import { at, doubles, type TwinTensors } from '../../twin-arrays';

interface Factor {
  readonly array: Float64Array;
  /** From a row of the result (of a) or a column of it (of b) to the next, and from one k to the next. */
  readonly strides: readonly [number, number];
}

/** parts[P,M,N]: each of some k alone, in ascending k. */
function multiplyParts(dims: Dims, [a, b]: readonly [Factor, Factor], parts_PMN: Float64Array): void {
  const [M, K, N] = [dimension(dims, 'M'), dimension(dims, 'K'), dimension(dims, 'N')];
  const partK = dimension(dims, 'partK');
  parts_PMN.forEach((_, index) => {
    const [part, row, column] = [Math.floor(index / (M * N)), Math.floor(index / N) % M, index % N];
    let sum = 0;
    for (let k = part * partK; k < Math.min(K, (part + 1) * partK); k++) {
      sum += at(a.array, row * a.strides[0] + k * a.strides[1]) * at(b.array, column * b.strides[0] + k * b.strides[1]);
    }
    parts_PMN[index] = sum;
  });
}

/** Twin of matmul_nn_parts. Shapes: a[M,K] b[K,N] -> parts[P,M,N]. */
export function matmulNnPartsTwin(dims: Dims, tensors: TwinTensors): void {
  const a: Factor = { array: doubles(tensors, 'a_MK'), strides: [dimension(dims, 'K'), 1] };
  const b: Factor = { array: doubles(tensors, 'b_KN'), strides: [1, dimension(dims, 'N')] };
  multiplyParts(dims, [a, b], doubles(tensors, 'parts_PMN'));
}

/** Twin of matmul_nt_parts. Shapes: a[M,K] b[N,K] -> parts[P,M,N]. */
export function matmulNtPartsTwin(dims: Dims, tensors: TwinTensors): void {
  const a: Factor = { array: doubles(tensors, 'a_MK'), strides: [dimension(dims, 'K'), 1] };
  const b: Factor = { array: doubles(tensors, 'b_NK'), strides: [dimension(dims, 'K'), 1] };
  multiplyParts(dims, [a, b], doubles(tensors, 'parts_PMN'));
}

/** Twin of matmul_tn_parts. Shapes: a[K,M] b[K,N] -> parts[P,M,N]. */
export function matmulTnPartsTwin(dims: Dims, tensors: TwinTensors): void {
  const a: Factor = { array: doubles(tensors, 'a_KM'), strides: [1, dimension(dims, 'M')] };
  const b: Factor = { array: doubles(tensors, 'b_KN'), strides: [1, dimension(dims, 'N')] };
  multiplyParts(dims, [a, b], doubles(tensors, 'parts_PMN'));
}

/** Twin of matmul_parts_sum. Shapes: parts[P,M,N] bias[N] residual[M,N] -> c[M,N]. */
export function matmulPartsSumTwin(dims: Dims, tensors: TwinTensors): void {
  const [N, P] = [dimension(dims, 'N'), dimension(dims, 'P')];
  const [parts_PMN, c_MN] = [doubles(tensors, 'parts_PMN'), doubles(tensors, 'c_MN')];
  const MN = dimension(dims, 'M') * N;
  for (let index = 0; index < MN; index++) {
    let sum = 0;
    for (let part = 0; part < P; part++) sum += at(parts_PMN, part * MN + index);
    if (flag(dims, 'bias') === 1) sum += at(doubles(tensors, 'bias_N'), index % N);
    if (flag(dims, 'residual') === 1) sum += at(doubles(tensors, 'residual_MN'), index);
    c_MN[index] = flag(dims, 'accumulate') === 1 ? sum + at(c_MN, index) : sum;
  }
}
