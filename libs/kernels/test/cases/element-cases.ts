import { type Dims, sumOfSquaresPartials } from '../../src';
import type { ConformanceCase } from './conformance-case';

const COUNTS: readonly Dims[] = [{ L: 1 }, { L: 3 }, { L: 64 }, { L: 97 }, { L: 4096 }, { L: 5001 }];

export const ELEMENT_CASES: readonly ConformanceCase[] = [
  {
    kernel: 'swiglu_forward',
    dims: COUNTS,
    sizes: ({ L = 0 }) => ({ gate_L: L, up_L: L, y_L: L }),
    fillings: { gate_L: 'wide' },
    tolerance: () => 2e-6,
    scaleMin: 1,
  },
  {
    kernel: 'swiglu_backward',
    dims: COUNTS,
    sizes: ({ L = 0 }) => ({ gate_L: L, up_L: L, dy_L: L, dgate_L: L, dup_L: L }),
    fillings: { gate_L: 'wide' },
    tolerance: () => 2e-6,
    scaleMin: 1,
  },
  {
    kernel: 'gelu_forward',
    dims: COUNTS,
    sizes: ({ L = 0 }) => ({ x_L: L, y_L: L }),
    fillings: { x_L: 'wide' },
    tolerance: () => 2e-6,
    scaleMin: 1,
  },
  {
    kernel: 'gelu_backward',
    dims: COUNTS,
    sizes: ({ L = 0 }) => ({ x_L: L, dy_L: L, dx_L: L }),
    fillings: { x_L: 'wide' },
    tolerance: () => 2e-6,
    scaleMin: 1,
  },
  {
    kernel: 'dropout',
    dims: [
      { B: 2, T: 21, C: 60, p: 0.1, residual: 1 },
      { B: 3, T: 7, C: 3, p: 0.5, residual: 0 },
      { B: 1, T: 1, C: 1, p: 0.9, residual: 1 },
      { B: 130, T: 1, C: 9, p: 0.25, residual: 1 },
      { B: 2, T: 64, C: 64, p: 0, residual: 0 },
    ],
    sizes: ({ B = 0, T = 0, C = 0 }) => ({
      x_BTC: B * T * C,
      residual_BTC: B * T * C,
      site_2: 2,
      sequences_B5: 5 * B,
      y_BTC: B * T * C,
    }),
    fillings: { site_2: 'word', sequences_B5: 'word' },
    tolerance: () => 2e-7,
  },
  {
    kernel: 'add',
    dims: COUNTS,
    sizes: ({ L = 0 }) => ({ a_L: L, b_L: L, y_L: L }),
    tolerance: () => 1e-7,
  },
  {
    kernel: 'multiply_add',
    dims: COUNTS.map((dims, index) => ({ ...dims, R: [1, 3, 40][index % 3]! })),
    sizes: ({ L = 0 }) => ({ x_L: L, factors_2: 2, y_L: L }),
    tolerance: () => 5e-6,
  },
  ...(['narrow', 'widen'] as const).map((kernel): ConformanceCase => ({
    kernel,
    dims: COUNTS,
    sizes: ({ L = 0 }) => ({ x_L: L, y_L: L }),
    fillings: { x_L: 'scales' },
    tolerance: () => 0,
  })),
  {
    kernel: 'sum_of_squares',
    dims: [
      ...[...COUNTS, { L: 100_003 }].map(({ L = 0 }) => ({ L, P: sumOfSquaresPartials(L) })),
      { L: 5001, run: 600, P: 9 },
    ],
    sizes: ({ L = 0, P = 0 }) => ({ x_L: L, partials_P: P }),
    tolerance: () => 5e-6,
  },
  {
    kernel: 'sum_of_squares_packed',
    dims: [
      { L: 1, P: 1 },
      { L: 97, P: 9 },
      { L: 5001, P: 7 },
      { L: 100_003, P: 130 },
    ],
    sizes: ({ L = 0, P = 0 }) => ({ x_L: L, ranges_P2: 2 * P, partials_P: P }),
    fillings: { ranges_P2: 'range' },
    tolerance: () => 5e-6,
  },
  {
    kernel: 'adamw',
    dims: COUNTS.map((dims, index) => ({ ...dims, decay: index % 2 })),
    sizes: ({ L = 0 }) => ({ gradient_L: L, hyper_10: 10, weight_L: L, m_L: L, v_L: L }),
    fillings: { hyper_10: 'hyper', v_L: 'small' },
    tolerance: () => 2e-6,
  },
  {
    kernel: 'sgd',
    dims: COUNTS.map((dims, index) => ({ ...dims, decay: index % 2 })),
    sizes: ({ L = 0 }) => ({ gradient_L: L, hyper_4: 4, weight_L: L }),
    fillings: { hyper_4: 'sgd' },
    tolerance: () => 1e-6,
  },
  {
    kernel: 'sgd_momentum',
    dims: COUNTS.map((dims, index) => ({ ...dims, decay: index % 2 })),
    sizes: ({ L = 0 }) => ({ gradient_L: L, hyper_4: 4, weight_L: L, momentum_L: L }),
    fillings: { hyper_4: 'sgd' },
    tolerance: () => 1e-6,
  },
];
