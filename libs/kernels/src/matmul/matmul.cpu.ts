import { dimension, flag } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

interface Factor {
  readonly array: Float64Array;
  readonly rowStride: number;
  readonly kStride: number;
}

/** c[M,N] = a b (+ c), factors addressed by strides so that one loop serves the three layouts. */
function multiply(dims: Dims, [a, b]: readonly [Factor, Factor], c_MN: Float64Array): void {
  const M = dimension(dims, 'M');
  const K = dimension(dims, 'K');
  const N = dimension(dims, 'N');
  const accumulate = flag(dims, 'accumulate');
  for (let row = 0; row < M; row++) {
    for (let column = 0; column < N; column++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        // Unchecked, unlike elsewhere in the twins: this line is nine tenths of their time.
        const x = a.array[row * a.rowStride + k * a.kStride] as number;
        const y = b.array[column * b.rowStride + k * b.kStride] as number;
        sum += x * y;
      }
      const index = row * N + column;
      c_MN[index] = accumulate === 1 ? sum + at(c_MN, index) : sum;
    }
  }
}

/** Twin of matmul_nn. Shapes: a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]. */
export function matmulNnTwin(dims: Dims, tensors: TwinTensors): void {
  const K = dimension(dims, 'K');
  const N = dimension(dims, 'N');
  const c_MN = doubles(tensors, 'c_MN');
  const a = { array: doubles(tensors, 'a_MK'), rowStride: K, kStride: 1 };
  multiply(dims, [a, { array: doubles(tensors, 'b_KN'), rowStride: 1, kStride: N }], c_MN);
  if (flag(dims, 'bias') === 1) {
    const bias_N = doubles(tensors, 'bias_N');
    for (let index = 0; index < c_MN.length; index++) c_MN[index] = at(c_MN, index) + at(bias_N, index % N);
  }
  if (flag(dims, 'residual') === 1) {
    const residual_MN = doubles(tensors, 'residual_MN');
    for (let index = 0; index < c_MN.length; index++) c_MN[index] = at(c_MN, index) + at(residual_MN, index);
  }
}

/** Twin of matmul_nt. Shapes: a[M,K] b[N,K] -> c[M,N]. */
export function matmulNtTwin(dims: Dims, tensors: TwinTensors): void {
  const K = dimension(dims, 'K');
  const a = { array: doubles(tensors, 'a_MK'), rowStride: K, kStride: 1 };
  multiply(dims, [a, { array: doubles(tensors, 'b_NK'), rowStride: K, kStride: 1 }], doubles(tensors, 'c_MN'));
}

/** Twin of matmul_tn. Shapes: a[K,M] b[K,N] -> c[M,N]. */
export function matmulTnTwin(dims: Dims, tensors: TwinTensors): void {
  const M = dimension(dims, 'M');
  const N = dimension(dims, 'N');
  const a = { array: doubles(tensors, 'a_KM'), rowStride: 1, kStride: M };
  multiply(dims, [a, { array: doubles(tensors, 'b_KN'), rowStride: 1, kStride: N }], doubles(tensors, 'c_MN'));
}
