import { accumulatingCut } from '../accumulating-cut';
import { input, output } from '../binding';
import { dimension, flag, position } from '../dimension';
import type { AxisCut, Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { integers } from '../twin-arrays';
import { BY_TOKEN } from './embedding';
import { embeddingBackwardTokenTwin, tokenOrderOf, tokenOrderTwin } from './embedding.cpu';

function elements(dims: Dims): number {
  return dimension(dims, 'B') * dimension(dims, 'T') * dimension(dims, 'C');
}

const SUMS = accumulatingCut('B');
/** Sequences by parts, which find their positions in the order of all. */
const BY_SEQUENCE: AxisCut = {
  ...SUMS,
  part: (dims, range) => ({
    ...SUMS.part?.(dims, range),
    firstRow: position(dims, 'firstRow') + range.first * dimension(dims, 'T'),
  }),
};

function order(dims: Dims, target: KernelTarget): KernelVariant {
  const N = dimension(dims, 'N');
  return perItem({ wgsl: 'token_order', overrides: { N } }, N, target);
}

function sizes(dims: Dims): { readonly [size: string]: number; readonly C: number; readonly V: number } {
  const [B, T, C, V] = [dimension(dims, 'B'), dimension(dims, 'T'), dimension(dims, 'C'), dimension(dims, 'V')];
  return { B, T, C, V, FIRST: position(dims, 'first'), FIRST_ROW: position(dims, 'firstRow') };
}

function naive(dims: Dims, target: KernelTarget): KernelVariant {
  const overrides = { ...sizes(dims), ACCUMULATE: flag(dims, 'accumulate') };
  return perItem({ wgsl: 'embedding_backward_token', overrides }, overrides.V * overrides.C, target);
}

/** Rows of the table without a token are left alone, which is right where the sums are added to what is there. */
function sorted(dims: Dims, target: KernelTarget): KernelVariant {
  if (flag(dims, 'accumulate') === 0) return naive(dims, target);
  const N = dimension(dims, 'N');
  const overrides = { ...sizes(dims), N };
  return perItem({ wgsl: 'embedding_backward_token_sorted', overrides }, N * overrides.C, target);
}

/** order = all positions, sorted by token, those of one token in ascending position. Dims N. */
export const tokenOrder: Kernel = {
  name: 'token_order',
  bindings: [input('tokens_N', 'u32'), output('order_N', 'u32')],
  variant: order,
  reference: order,
  flops: (dims) => dimension(dims, 'N') ** 2,
  bytes: (dims) => 8 * dimension(dims, 'N'),
  cpu: tokenOrderTwin,
};

/**
 * dwte (+ dwte), rows in ascending position. Dims B, T, C, V, N and the flag accumulate; order_N is what token_order
 * makes of tokens_N. dwte_VC may begin with the token `first`, and dy_BTC with the position `firstRow` of the N.
 */
export const embeddingBackwardToken: Kernel = {
  name: 'embedding_backward_token',
  bindings: [input('tokens_N', 'u32'), input('order_N', 'u32'), input('dy_BTC'), output('dwte_VC')],
  variant: sorted,
  reference: naive,
  flops: elements,
  // At most: a bucket of one row reads and writes as much of the table.
  bytes: (dims) => 4 * (3 * elements(dims) + 2 * dimension(dims, 'N')),
  derived: { order_N: (ids) => tokenOrderOf(integers(ids, 'tokens_N')) },
  cuts: [BY_TOKEN, BY_SEQUENCE],
  cpu: embeddingBackwardTokenTwin,
};
