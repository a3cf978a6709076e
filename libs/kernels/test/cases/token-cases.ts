import type { Dims } from '../../src';
import type { ConformanceCase } from './conformance-case';

const EMBEDDING: readonly Dims[] = [
  { B: 2, T: 21, C: 60, V: 97 },
  { B: 1, T: 1, C: 1, V: 1 },
  { B: 3, T: 16, C: 64, V: 30 },
  { B: 2, T: 5, C: 7, V: 3 },
  // Some rows of a table: about half of the tokens are among them.
  { B: 2, T: 21, C: 60, V: 40, first: 17 },
];

/** One token, few of many and many of few; a table and rows that begin further on. */
const TOKEN_GRADIENT: readonly Dims[] = [
  ...EMBEDDING.map(({ B = 0, T = 0, ...dims }, index) => ({ ...dims, B, T, N: B * T, accumulate: index % 2 })),
  { B: 1, T: 257, N: 257, C: 5, V: 3, accumulate: 1 },
  { B: 3, T: 31, N: 93, C: 67, V: 4999, accumulate: 1 },
  { B: 2, T: 13, N: 52, C: 12, V: 7, first: 4, firstRow: 13, accumulate: 1 },
];

export const TOKEN_CASES: readonly ConformanceCase[] = [
  {
    kernel: 'embedding_forward',
    dims: EMBEDDING,
    sizes: ({ B = 0, T = 0, C = 0, V = 0 }) => ({ tokens_BT: B * T, wte_VC: V * C, wpe_TC: T * C, y_BTC: B * T * C }),
    fillings: { tokens_BT: 'token' },
    tolerance: () => 1e-7,
  },
  {
    kernel: 'embedding_forward_token',
    dims: EMBEDDING,
    sizes: ({ B = 0, T = 0, C = 0, V = 0 }) => ({ tokens_BT: B * T, wte_VC: V * C, y_BTC: B * T * C }),
    fillings: { tokens_BT: 'token' },
    tolerance: () => 1e-7,
  },
  {
    kernel: 'token_order',
    dims: [
      { N: 1, V: 1 },
      { N: 97, V: 13 },
      { N: 1021, V: 50_257 },
      { N: 256, V: 2 },
    ],
    sizes: ({ N = 0 }) => ({ tokens_N: N, order_N: N }),
    fillings: { tokens_N: 'token', order_N: 'token' },
    tolerance: () => 0,
  },
  {
    kernel: 'embedding_backward_token',
    dims: TOKEN_GRADIENT,
    sizes: ({ B = 0, T = 0, N = 0, C = 0, V = 0 }) => ({
      tokens_N: N,
      order_N: N,
      dy_BTC: B * T * C,
      dwte_VC: V * C,
    }),
    fillings: { tokens_N: 'token', order_N: 'token' },
    tolerance: () => 2e-6,
  },
  {
    kernel: 'embedding_backward_position',
    dims: EMBEDDING.map((dims, index) => ({ ...dims, accumulate: (index + 1) % 2 })),
    sizes: ({ B = 0, T = 0, C = 0 }) => ({ dy_BTC: B * T * C, dwpe_TC: T * C }),
    tolerance: () => 2e-6,
  },
  {
    kernel: 'cross_entropy_forward',
    dims: [
      { N: 63, V: 97 },
      { N: 1, V: 1 },
      { N: 9, V: 65 },
      { N: 130, V: 256 },
    ],
    sizes: ({ N = 0, V = 0 }) => ({ logits_NV: N * V, targets_N: N, loss_N: N, lse_N: N }),
    fillings: { logits_NV: 'wide', targets_N: 'target' },
    tolerance: () => 2e-6,
  },
  {
    kernel: 'cross_entropy_backward',
    dims: [
      { N: 63, V: 97 },
      { N: 1, V: 1 },
      { N: 9, V: 65 },
      { N: 130, V: 256 },
    ],
    sizes: ({ N = 0, V = 0 }) => ({ logits_NV: N * V, targets_N: N, lse_N: N, scale_1: 1, dlogits_NV: N * V }),
    fillings: { targets_N: 'target', lse_N: 'lse' },
    tolerance: () => 5e-6,
  },
  {
    kernel: 'cross_entropy_gradient',
    dims: [
      { N: 63, V: 97, first: 0 },
      { N: 1, V: 1 },
      { N: 9, V: 65, first: 30 },
      { N: 130, V: 128, first: 64 },
    ],
    sizes: ({ N = 0, V = 0 }) => ({ targets_N: N, lse_N: N, scale_1: 1, logits_NV: N * V }),
    fillings: { targets_N: 'target', lse_N: 'lse' },
    tolerance: () => 5e-6,
  },
];
