import type { Dims } from '../../src';
import type { ConformanceCase } from './conformance-case';

const ROWS: readonly Dims[] = [
  { N: 48, C: 128 },
  { N: 63, C: 60 },
  { N: 21, C: 97 },
  { N: 1, C: 1 },
  { N: 7, C: 3 },
  { N: 130, C: 64 },
];

export const ROW_CASES: readonly ConformanceCase[] = [
  {
    kernel: 'bias_backward',
    dims: ROWS.map((dims, index) => ({ ...dims, accumulate: index % 2 })),
    sizes: ({ N = 0, C = 0 }) => ({ dy_NC: N * C, db_C: C }),
    tolerance: () => 2e-6,
  },
  {
    kernel: 'layernorm_forward',
    dims: ROWS.map((dims) => ({ ...dims, eps: 1e-5 })),
    sizes: ({ N = 0, C = 0 }) => ({ x_NC: N * C, weight_C: C, bias_C: C, y_NC: N * C, mean_N: N, rstd_N: N }),
    tolerance: () => 5e-6,
  },
  {
    kernel: 'layernorm_backward_input',
    dims: ROWS.map((dims, index) => ({ ...dims, residual: index % 2 })),
    sizes: ({ N = 0, C = 0 }) => ({
      dy_NC: N * C,
      x_NC: N * C,
      weight_C: C,
      mean_N: N,
      rstd_N: N,
      residual_NC: N * C,
      dx_NC: N * C,
    }),
    fillings: { rstd_N: 'positive' },
    tolerance: () => 5e-6,
  },
  {
    kernel: 'layernorm_backward_weight',
    dims: ROWS.map((dims, index) => ({ ...dims, accumulate: index % 2 })),
    sizes: ({ N = 0, C = 0 }) => ({ dy_NC: N * C, x_NC: N * C, mean_N: N, rstd_N: N, dweight_C: C, dbias_C: C }),
    fillings: { rstd_N: 'positive' },
    tolerance: () => 5e-6,
  },
  {
    kernel: 'rmsnorm_forward',
    dims: ROWS.map((dims, index) => ({ ...dims, eps: index % 2 === 0 ? 1e-5 : 1e-6 })),
    sizes: ({ N = 0, C = 0 }) => ({ x_NC: N * C, weight_C: C, y_NC: N * C, rstd_N: N }),
    tolerance: () => 5e-6,
  },
  {
    kernel: 'rmsnorm_backward_input',
    dims: ROWS.map((dims, index) => ({ ...dims, residual: index % 2 })),
    sizes: ({ N = 0, C = 0 }) => ({
      dy_NC: N * C,
      x_NC: N * C,
      weight_C: C,
      rstd_N: N,
      residual_NC: N * C,
      dx_NC: N * C,
    }),
    fillings: { rstd_N: 'positive' },
    tolerance: () => 5e-6,
  },
  {
    kernel: 'rmsnorm_backward_weight',
    dims: ROWS.map((dims, index) => ({ ...dims, accumulate: index % 2 })),
    sizes: ({ N = 0, C = 0 }) => ({ dy_NC: N * C, x_NC: N * C, rstd_N: N, dweight_C: C }),
    fillings: { rstd_N: 'positive' },
    tolerance: () => 5e-6,
  },
];
