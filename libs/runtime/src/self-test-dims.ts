import type { Dims, FullKernelName } from '@millrace/kernels';
import { sumOfSquaresPartials } from '@millrace/kernels';

const ODD = { M: 37, K: 29, N: 53 };
const EVEN = { M: 72, K: 40, N: 136 };
const PARTS = [ODD, EVEN].map((dims) => ({ ...dims, P: 2, partK: 16 * Math.ceil(dims.K / 32) }));
/** Few elements in as many tiles of each size as a GPU needs to take it, in whole vectors and not. */
const TILES = [
  { M: 16_260, K: 20, N: 4 },
  { M: 16_257, K: 19, N: 3 },
  { M: 8068, K: 20, N: 68 },
  { M: 8067, K: 19, N: 67 },
  { M: 8132, K: 20, N: 4 },
  { M: 8131, K: 19, N: 3 },
];
const ROWS = { N: 13, C: 97 };
const WIDE_ROWS = { N: 6, C: 256 };
/** Rows that a GPU reads in other ways than those, whatever memory its workgroups have. */
const LONGER_ROWS = [1028, 1031, 65_536, 65_537];
const NORM_ROWS = [ROWS, WIDE_ROWS, ...LONGER_ROWS.map((C) => ({ N: 2, C }))];
const ATTENTION = { B: 2, T: 13, H: 3, D: 7 };
const ATTENTION_EVEN = { B: 1, T: 32, H: 2, D: 16 };
const ATTENTION_GROUPED = { B: 1, T: 12, H: 4, G: 2, D: 8 };
const EMBEDDING = { B: 2, T: 11, C: 23, V: 17 };
const LOGITS = { N: 19, V: 97 };
const ELEMENTS = 2051;

/**
 * Small shapes, with and without the divisibility that variants need; flags are on, so that every path runs. Forms in
 * f16 are tested on those of their kernels.
 */
export const SELF_TEST_DIMS: Readonly<Record<FullKernelName, readonly Dims[]>> = {
  matmul_nn: [ODD, EVEN, ...TILES].map((dims) => ({ ...dims, bias: 1, residual: 1, accumulate: 1 })),
  matmul_nt: [ODD, EVEN, ...TILES].map((dims) => ({ ...dims, residual: 1, accumulate: 1 })),
  matmul_tn: [ODD, EVEN, ...TILES].map((dims) => ({ ...dims, accumulate: 1 })),
  matmul_nn_gelu: TILES.map((dims) => ({ ...dims, bias: 1 })),
  matmul_nt_swiglu: TILES,
  matmul_nn_parts: PARTS,
  matmul_nt_parts: PARTS,
  matmul_tn_parts: PARTS,
  matmul_parts_sum: [{ M: 37, N: 53, P: 5, bias: 1, residual: 1, accumulate: 1 }],
  bias_backward: [ROWS, WIDE_ROWS].map((dims) => ({ ...dims, accumulate: 1 })),
  layernorm_forward: NORM_ROWS.map((dims) => ({ ...dims, eps: 1e-5 })),
  layernorm_backward_input: NORM_ROWS.map((dims) => ({ ...dims, residual: 1 })),
  layernorm_backward_weight: [ROWS, WIDE_ROWS].map((dims) => ({ ...dims, accumulate: 1 })),
  rmsnorm_forward: NORM_ROWS.map((dims) => ({ ...dims, eps: 1e-5 })),
  rmsnorm_backward_input: NORM_ROWS.map((dims) => ({ ...dims, residual: 1 })),
  rmsnorm_backward_weight: [ROWS, WIDE_ROWS].map((dims) => ({ ...dims, accumulate: 1 })),
  gelu_forward: [{ L: ELEMENTS }],
  gelu_backward: [{ L: ELEMENTS }],
  swiglu_forward: [{ L: ELEMENTS }],
  swiglu_backward: [{ L: ELEMENTS }],
  rope_forward: [ATTENTION_GROUPED],
  rope_backward: [ATTENTION_GROUPED],
  flash_attention_forward: [ATTENTION, ATTENTION_EVEN, ATTENTION_GROUPED],
  flash_attention_inner: [ATTENTION],
  flash_attention_backward: [ATTENTION, ATTENTION_EVEN, ATTENTION_GROUPED],
  // No program of a model uses these, so that no start waits for their shaders.
  attention_scores: [],
  attention_softmax: [],
  attention_mix: [],
  attention_scores_backward: [],
  attention_softmax_backward: [],
  attention_query_backward: [],
  attention_key_backward: [],
  attention_value_backward: [],
  embedding_forward: [EMBEDDING],
  embedding_forward_token: [EMBEDDING],
  token_order: [{ N: 37, V: 17 }],
  embedding_backward_token: [{ ...EMBEDDING, N: 22, accumulate: 1 }],
  embedding_backward_position: [{ ...EMBEDDING, accumulate: 1 }],
  dropout: [{ ...EMBEDDING, p: 0.3, residual: 1 }],
  cross_entropy_forward: [LOGITS, { N: 5, V: 256 }, ...LONGER_ROWS.map((V) => ({ N: 2, V }))],
  cross_entropy_backward: [LOGITS],
  cross_entropy_gradient: [LOGITS],
  add: [{ L: ELEMENTS }],
  multiply_add: [{ L: ELEMENTS, R: 3 }],
  narrow: [{ L: 37 }],
  widen: [{ L: 37 }],
  sum_of_squares: [{ L: ELEMENTS, P: sumOfSquaresPartials(ELEMENTS) }],
  sum_of_squares_packed: [{ L: ELEMENTS, P: 3 }],
  adamw: [{ L: ELEMENTS, decay: 1 }],
  sgd: [{ L: ELEMENTS, decay: 1 }],
  sgd_momentum: [{ L: ELEMENTS, decay: 1 }],
};
