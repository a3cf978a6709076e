import type { Dims } from '../../src';
import type { ConformanceCase } from './conformance-case';

type Sizes = ConformanceCase['sizes'];

const ATTENTION: readonly Dims[] = [
  { B: 2, T: 32, H: 2, D: 32 },
  { B: 2, T: 21, H: 3, D: 20 },
  { B: 1, T: 1, H: 1, D: 1 },
  { B: 1, T: 68, H: 1, D: 40 },
  { B: 1, T: 37, H: 5, D: 3 },
  { B: 2, T: 20, H: 4, G: 2, D: 8 },
  { B: 1, T: 13, H: 6, G: 1, D: 5 },
];
/** Tiles whole and cut, one row, primes, head sizes to 256 and not divisible by 4, groups. */
const FLASH: readonly Dims[] = [
  { B: 2, T: 64, H: 2, D: 32 },
  { B: 1, T: 67, H: 4, G: 2, D: 40 },
  { B: 1, T: 1, H: 1, D: 4 },
  { B: 2, T: 33, H: 6, G: 2, D: 64 },
  { B: 1, T: 37, H: 5, D: 3 },
  { B: 1, T: 47, H: 2, G: 1, D: 96 },
  { B: 1, T: 40, H: 3, G: 1, D: 128 },
  { B: 1, T: 35, H: 2, D: 256 },
  { B: 1, T: 131, H: 3, G: 1, D: 8 },
  { B: 1, T: 19, H: 2, D: 254 },
];
/** The first one is what a software driver compiles fastest. */
const FLASH_GPU_SHAPES = [8, 1, 5, 7];
/** c sqrt(K) eps: K counts the products of a score, and the rows that are summed up. */
const flashTolerance = ({ T = 1, H = 1, G = H, D = 1 }: Record<string, number>): number =>
  Math.sqrt((T * H) / G + D) * 2 ** -23;
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
const statisticSize = ({ B = 0, T = 0, H = 0 }: Record<string, number>): number => B * H * T;
const squareSize = ({ B = 0, T = 0, H = 0 }: Record<string, number>): number => B * H * T * T;

export const ATTENTION_CASES: readonly ConformanceCase[] = [
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
    kernel: 'flash_attention_forward',
    dims: FLASH,
    sizes: (dims) => ({ ...qkvSize(dims), y_BTC: tokenSize(dims), lse_BHT: statisticSize(dims) }),
    tolerance: (dims) => flashTolerance({ ...dims, G: dims['H'] ?? 1 }),
    gpuShapes: FLASH_GPU_SHAPES,
  },
  {
    kernel: 'flash_attention_inner',
    dims: FLASH,
    sizes: (dims) => ({ dy_BTC: tokenSize(dims), y_BTC: tokenSize(dims), inner_BHT: statisticSize(dims) }),
    tolerance: () => 2e-6,
  },
  {
    kernel: 'flash_attention_backward',
    dims: FLASH,
    sizes: (dims) => ({
      ...qkvSize(dims),
      dy_BTC: tokenSize(dims),
      lse_BHT: statisticSize(dims),
      inner_BHT: statisticSize(dims),
      dqkv_BTE: qkvCount(dims),
    }),
    fillings: { lse_BHT: 'row-lse' },
    tolerance: flashTolerance,
    gpuShapes: [8, 1, 7],
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
];
