import { dimension, flag } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** The elements from the beginning of one row of a strided matrix to that of the next. */
function stride(dims: Dims, columns: number): number {
  return dims['stride'] === undefined ? columns : dimension(dims, 'stride');
}

interface Factor {
  readonly array: Float64Array;
  readonly rowStride: number;
  readonly kStride: number;
}

/**
 * c[M,N] = a b (+ c), matrices addressed by strides so that one loop serves the three layouts. Every sum adds its
 * products in ascending k; those of four columns go side by side, because none waits for an addition of another.
 */
function multiply(
  dims: Dims,
  [a, b]: readonly [Factor, Factor],
  [c_MN, cStride]: readonly [Float64Array, number],
): void {
  const [M, K, N] = [dimension(dims, 'M'), dimension(dims, 'K'), dimension(dims, 'N')];
  const accumulate = flag(dims, 'accumulate');
  const continued = flag(dims, 'continued');
  // In constants of their own: looked up in the innermost loop, they would take half its time.
  const { array: x, kStride: xStride } = a;
  const { array: y, kStride: yStride } = b;
  const sums = new Float64Array(4);
  for (let row = 0; row < M; row++) {
    for (let column = 0; column < N; column += 4) {
      // Past the last column its sum is made again, and dropped.
      const start0 = column * b.rowStride;
      const start1 = Math.min(column + 1, N - 1) * b.rowStride;
      const start2 = Math.min(column + 2, N - 1) * b.rowStride;
      const start3 = Math.min(column + 3, N - 1) * b.rowStride;
      const begun = (index: number): number => (continued === 1 ? at(c_MN, row * cStride + Math.min(index, N - 1)) : 0);
      let sum0 = begun(column);
      let sum1 = begun(column + 1);
      let sum2 = begun(column + 2);
      let sum3 = begun(column + 3);
      for (let k = 0, i = row * a.rowStride, j = 0; k < K; k++, i += xStride, j += yStride) {
        // Unchecked, unlike elsewhere in the twins: these lines are most of their time.
        const factor = x[i] as number;
        sum0 += factor * (y[start0 + j] as number);
        sum1 += factor * (y[start1 + j] as number);
        sum2 += factor * (y[start2 + j] as number);
        sum3 += factor * (y[start3 + j] as number);
      }
      sums.set([sum0, sum1, sum2, sum3]);
      for (let index = column; index < Math.min(column + 4, N); index++) {
        const sum = at(sums, index - column);
        const place = row * cStride + index;
        c_MN[place] = accumulate === 1 ? sum + at(c_MN, place) : sum;
      }
    }
  }
}

/** Twin of matmul_nn. Shapes: a[M,K] b[K,N] bias[N] residual[M,N] -> c[M,N]. */
export function matmulNnTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const c_MN = doubles(tensors, 'c_MN');
  const a = { array: doubles(tensors, 'a_MK'), rowStride: stride(dims, dimension(dims, 'K')), kStride: 1 };
  multiply(dims, [a, { array: doubles(tensors, 'b_KN'), rowStride: 1, kStride: N }], [c_MN, N]);
  if (flag(dims, 'bias') === 1) {
    const bias_N = doubles(tensors, 'bias_N');
    for (let index = 0; index < c_MN.length; index++) c_MN[index] = at(c_MN, index) + at(bias_N, index % N);
  }
  if (flag(dims, 'residual') === 1) {
    const residual_MN = doubles(tensors, 'residual_MN');
    for (let index = 0; index < c_MN.length; index++) c_MN[index] = at(c_MN, index) + at(residual_MN, index);
  }
}

/** Twin of matmul_nt. Shapes: a[M,K] b[N,K] residual[M,N] -> c[M,N]. */
export function matmulNtTwin(dims: Dims, tensors: TwinTensors): void {
  const K = dimension(dims, 'K');
  const a = { array: doubles(tensors, 'a_MK'), rowStride: K, kStride: 1 };
  const b = { array: doubles(tensors, 'b_NK'), rowStride: K, kStride: 1 };
  const N = dimension(dims, 'N');
  const [c_MN, cStride] = [doubles(tensors, 'c_MN'), stride(dims, N)];
  multiply(dims, [a, b], [c_MN, cStride]);
  if (flag(dims, 'residual') === 0) return;
  const residual_MN = doubles(tensors, 'residual_MN');
  for (let index = 0; index < c_MN.length; index++) {
    if (index % cStride < N) c_MN[index] = at(c_MN, index) + at(residual_MN, index);
  }
}

/** Twin of matmul_tn. Shapes: a[K,M] b[K,N] -> c[M,N]. */
export function matmulTnTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const a = { array: doubles(tensors, 'a_KM'), rowStride: 1, kStride: stride(dims, dimension(dims, 'M')) };
  multiply(dims, [a, { array: doubles(tensors, 'b_KN'), rowStride: 1, kStride: N }], [doubles(tensors, 'c_MN'), N]);
}
