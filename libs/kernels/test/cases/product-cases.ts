import type { Dims } from '../../src';
import type { ConformanceCase } from './conformance-case';

/** Whole tiles, tiles cut by the edge, sizes that are a multiple of nothing, K = 1, one row, one column. */
const MATMUL: readonly Dims[] = [
  { M: 20, K: 36, N: 40 },
  { M: 65, K: 60, N: 97 },
  { M: 21, K: 97, N: 60 },
  { M: 5, K: 1, N: 3 },
  { M: 130, K: 68, N: 132 },
  { M: 1, K: 7, N: 1 },
];
/** bias, residual and accumulate as bits: none, all, each alone, two. */
const EPILOGUES = [0, 7, 1, 2, 4, 3];
const matmulTolerance = ({ K = 1 }: Record<string, number>): number => 4e-7 * Math.sqrt(K) + 2e-7;
const accumulating = MATMUL.map((dims, index) => ({ ...dims, accumulate: index % 2 }));
/** Columns of a wider matrix: sizes in whole vectors, and the second ones of MATMUL, which run on every adapter. */
const APART: Dims = { M: 20, K: 36, N: 40, stride: 44 };
const withStride = (cases: readonly Dims[], second: Dims): Dims[] => [
  ...cases.map((dims, index) => (index === 1 ? { ...dims, ...second } : dims)),
  APART,
];
/** Elements of a matrix whose rows begin `stride` apart. */
const apart = (rows: number, columns: number, stride = columns): number => (rows - 1) * stride + columns;

export const PRODUCT_CASES: readonly ConformanceCase[] = [
  {
    kernel: 'matmul_nn',
    dims: withStride(
      MATMUL.map((dims, index) => ({
        ...dims,
        bias: EPILOGUES[index]! & 1,
        residual: (EPILOGUES[index]! >> 1) & 1,
        accumulate: (EPILOGUES[index]! >> 2) & 1,
      })),
      { stride: 67, continued: 1 },
    ).map((dims) => (dims === APART ? { ...dims, continued: 1 } : dims)),
    sizes: ({ M = 0, K = 0, N = 0, stride }) => ({
      a_MK: apart(M, K, stride),
      b_KN: K * N,
      bias_N: N,
      residual_MN: M * N,
      c_MN: M * N,
    }),
    tolerance: matmulTolerance,
  },
  {
    kernel: 'matmul_nt',
    dims: withStride(
      accumulating.map((dims, index) => ({ ...dims, residual: (EPILOGUES[index]! >> 1) & 1 })),
      { stride: 101 },
    ).map((dims) => (dims === APART ? { ...dims, residual: 1 } : dims)),
    sizes: ({ M = 0, K = 0, N = 0, stride }) => ({
      a_MK: M * K,
      b_NK: K * N,
      residual_MN: apart(M, N, stride),
      c_MN: apart(M, N, stride),
    }),
    tolerance: matmulTolerance,
  },
  {
    kernel: 'matmul_tn',
    // Rows of a and b that are no multiple of four, in vectors that are whole.
    dims: withStride(
      [...accumulating, ...[1, 2, 3].map((rest) => ({ M: 60, K: 40 + rest, N: 180, accumulate: rest % 2 }))],
      { stride: 70 },
    ),
    sizes: ({ M = 0, K = 0, N = 0, stride }) => ({ a_KM: apart(K, M, stride), b_KN: K * N, c_MN: M * N }),
    tolerance: matmulTolerance,
  },
  {
    kernel: 'matmul_nn_gelu',
    dims: MATMUL.map((dims, index) => ({ ...dims, bias: index % 2 })),
    sizes: ({ M = 0, K = 0, N = 0 }) => ({ a_MK: M * K, b_KN: K * N, bias_N: N, c_MN: M * N, y_MN: M * N }),
    tolerance: (dims) => 2 * matmulTolerance(dims),
    scaleMin: 1,
  },
  {
    kernel: 'matmul_nt_swiglu',
    dims: MATMUL,
    sizes: ({ M = 0, K = 0, N = 0 }) => ({ a_MK: M * K, b_NK: K * N, gate_MN: M * N, c_MN: M * N, y_MN: M * N }),
    tolerance: (dims) => 2 * matmulTolerance(dims),
    scaleMin: 1,
  },
  ...(['nn', 'nt', 'tn'] as const).map((layout): ConformanceCase => ({
    kernel: `matmul_${layout}_parts`,
    dims: [
      { M: 20, K: 36, N: 40, P: 3, partK: 16 },
      { M: 65, K: 97, N: 131, P: 4, partK: 32 },
      { M: 3, K: 1, N: 1, P: 1, partK: 16 },
    ],
    sizes: ({ M = 0, K = 0, N = 0, P = 0 }) => ({
      [layout === 'tn' ? 'a_KM' : 'a_MK']: M * K,
      [layout === 'nt' ? 'b_NK' : 'b_KN']: K * N,
      parts_PMN: P * M * N,
    }),
    tolerance: matmulTolerance,
  })),
  {
    kernel: 'matmul_parts_sum',
    dims: MATMUL.map(({ M = 1, N = 1 }, index) => ({
      M,
      N,
      P: index + 1,
      bias: EPILOGUES[index]! & 1,
      residual: (EPILOGUES[index]! >> 1) & 1,
      accumulate: (EPILOGUES[index]! >> 2) & 1,
    })),
    sizes: ({ M = 0, N = 0, P = 0 }) => ({ parts_PMN: P * M * N, bias_N: N, residual_MN: M * N, c_MN: M * N }),
    tolerance: ({ P = 1 }) => 4e-7 * Math.sqrt(P) + 2e-7,
  },
];
