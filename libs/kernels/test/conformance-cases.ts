import type { Dims, KernelName } from '../src';
import { sumOfSquaresPartials } from '../src';

/** What a binding's test data looks like; without an entry it is uniform in [-1, 1). */
export type Filling =
  // Every power of two that f16 has and some below, subnormal ones among them.
  | 'scales'
  | 'token'
  | 'target'
  | 'word'
  | 'probability'
  | 'positive'
  | 'small'
  | 'hyper'
  | 'sgd'
  | 'wide'
  | 'lse'
  | 'range';

export interface ConformanceCase {
  readonly kernel: KernelName;
  readonly dims: readonly Dims[];
  /** Elements of every binding. */
  sizes(dims: Record<string, number>): Record<string, number>;
  readonly fillings?: Readonly<Record<string, Filling>>;
  /** Largest error allowed, as a fraction of the largest entry of the twin's tensor. */
  tolerance(dims: Record<string, number>): number;
  /** Errors are not measured against less than this: for results that cancel. */
  readonly scaleMin?: number;
  /** Bindings whose [T,T] squares are defined on and below the diagonal alone. */
  readonly triangular?: readonly string[];
}

type Sizes = ConformanceCase['sizes'];

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

const ROWS: readonly Dims[] = [
  { N: 48, C: 128 },
  { N: 63, C: 60 },
  { N: 21, C: 97 },
  { N: 1, C: 1 },
  { N: 7, C: 3 },
  { N: 130, C: 64 },
];
const COUNTS: readonly Dims[] = [{ L: 1 }, { L: 3 }, { L: 64 }, { L: 97 }, { L: 4096 }, { L: 5001 }];

const ATTENTION: readonly Dims[] = [
  { B: 2, T: 32, H: 2, D: 32 },
  { B: 2, T: 21, H: 3, D: 20 },
  { B: 1, T: 1, H: 1, D: 1 },
  { B: 1, T: 68, H: 1, D: 40 },
  { B: 1, T: 37, H: 5, D: 3 },
  { B: 2, T: 20, H: 4, G: 2, D: 8 },
  { B: 1, T: 13, H: 6, G: 1, D: 5 },
];
const TURNED: readonly Dims[] = [
  { B: 2, T: 21, H: 3, D: 20 },
  { B: 1, T: 1, H: 1, D: 2 },
  { B: 2, T: 13, H: 6, G: 2, D: 40 },
  { B: 1, T: 64, H: 8, G: 1, D: 64 },
];
const qkvWidth = ({ H = 0, G = H, D = 0 }: Record<string, number>): number => (H + 2 * G) * D;
const rowsOf = ({ B = 0, T = 0 }: Record<string, number>): number => B * T;
const qkvCount = (dims: Record<string, number>): number => rowsOf(dims) * qkvWidth(dims);
const qkvSize: Sizes = (dims) => ({ qkv_BTE: qkvCount(dims) });
const groupSize = ({ B = 0, T = 0, H = 0, G = H, D = 0 }: Record<string, number>): number => B * T * G * D;
const tokenSize = ({ B = 0, T = 0, H = 0, D = 0 }: Record<string, number>): number => B * T * H * D;
const squareSize = ({ B = 0, T = 0, H = 0 }: Record<string, number>): number => B * H * T * T;

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

export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
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
    dims: withStride(accumulating, { stride: 101 }),
    sizes: ({ M = 0, K = 0, N = 0, stride }) => ({ a_MK: M * K, b_NK: K * N, c_MN: apart(M, N, stride) }),
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
  ...(['matmul_nt_swiglu', 'matmul_nt_add'] as const).map((kernel): ConformanceCase => ({
    kernel,
    dims: MATMUL,
    sizes: ({ M = 0, K = 0, N = 0 }) => ({
      a_MK: M * K,
      b_NK: K * N,
      [kernel === 'matmul_nt_add' ? 'residual_MN' : 'gate_MN']: M * N,
      c_MN: M * N,
      y_MN: M * N,
    }),
    tolerance: (dims) => 2 * matmulTolerance(dims),
    scaleMin: 1,
  })),
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
    kernel: 'rope_forward',
    dims: TURNED,
    sizes: (dims) => ({
      q_BTHD: tokenSize(dims),
      k_BTGD: groupSize(dims),
      v_BTGD: groupSize(dims),
      table_TD: (dims['T'] ?? 0) * (dims['D'] ?? 0),
      ...qkvSize(dims),
    }),
    tolerance: () => 1e-6,
  },
  {
    kernel: 'rope_backward',
    dims: TURNED,
    sizes: (dims) => ({
      dqkv_BTE: qkvCount(dims),
      table_TD: (dims['T'] ?? 0) * (dims['D'] ?? 0),
      dq_BTHD: tokenSize(dims),
      dk_BTGD: groupSize(dims),
      dv_BTGD: groupSize(dims),
    }),
    tolerance: () => 1e-6,
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
    kernel: 'attention_scores',
    dims: ATTENTION,
    sizes: (dims) => ({
      queries_BTE: qkvCount(dims),
      keys_BTE: qkvCount(dims),
      scores_BHTT: squareSize(dims),
    }),
    tolerance: () => 2e-6,
    triangular: ['scores_BHTT'],
  },
  {
    kernel: 'attention_softmax',
    dims: ATTENTION,
    sizes: (dims) => ({ probabilities_BHTT: squareSize(dims) }),
    fillings: { probabilities_BHTT: 'wide' },
    tolerance: () => 2e-6,
  },
  {
    kernel: 'attention_mix',
    dims: ATTENTION,
    sizes: (dims) => ({ probabilities_BHTT: squareSize(dims), ...qkvSize(dims), y_BTC: tokenSize(dims) }),
    fillings: { probabilities_BHTT: 'probability' },
    tolerance: () => 2e-6,
  },
  {
    kernel: 'attention_scores_backward',
    dims: ATTENTION,
    sizes: (dims) => ({ dy_BTC: tokenSize(dims), ...qkvSize(dims), dscores_BHTT: squareSize(dims) }),
    tolerance: () => 2e-6,
    triangular: ['dscores_BHTT'],
  },
  {
    kernel: 'attention_softmax_backward',
    dims: ATTENTION,
    sizes: (dims) => ({ probabilities_BHTT: squareSize(dims), dscores_BHTT: squareSize(dims) }),
    fillings: { probabilities_BHTT: 'probability' },
    tolerance: () => 2e-6,
  },
  ...(['attention_query_backward', 'attention_key_backward'] as const).map((kernel): ConformanceCase => ({
    kernel,
    dims: ATTENTION,
    sizes: (dims) => ({ dscores_BHTT: squareSize(dims), ...qkvSize(dims), dqkv_BTE: qkvCount(dims) }),
    fillings: { dscores_BHTT: 'probability' },
    tolerance: () => 2e-6,
  })),
  {
    kernel: 'attention_value_backward',
    dims: ATTENTION,
    sizes: (dims) => ({
      probabilities_BHTT: squareSize(dims),
      dy_BTC: tokenSize(dims),
      dqkv_BTE: qkvCount(dims),
    }),
    fillings: { probabilities_BHTT: 'probability' },
    tolerance: () => 2e-6,
  },
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
  {
    kernel: 'add',
    dims: COUNTS,
    sizes: ({ L = 0 }) => ({ a_L: L, b_L: L, y_L: L }),
    tolerance: () => 1e-7,
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
