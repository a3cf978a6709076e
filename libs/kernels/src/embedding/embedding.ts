import { input, output } from '../binding';
import { accumulatingCut } from '../accumulating-cut';
import { dimension, flag, position } from '../dimension';
import type { AxisCut, Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { embeddingBackwardPositionTwin, embeddingForwardTokenTwin, embeddingForwardTwin } from './embedding.cpu';

interface EmbeddingSizes {
  readonly B: number;
  readonly T: number;
  readonly C: number;
  readonly [name: string]: number;
}

function sizes(dims: Dims): EmbeddingSizes {
  return { B: dimension(dims, 'B'), T: dimension(dims, 'T'), C: dimension(dims, 'C') };
}

/** The rows of the token embedding that are bound: V of them, from that of the token `first` (0 by default) on. */
function table(dims: Dims): Dims {
  return { V: dimension(dims, 'V'), FIRST: position(dims, 'first') };
}

/** Rows of the table, by parts. */
export const BY_TOKEN: AxisCut = {
  axis: 'V',
  part: (dims, { first }) => ({ first: position(dims, 'first') + first }),
};
const BY_SEQUENCE: AxisCut = { axis: 'B' };

function elements(dims: Dims): number {
  return dimension(dims, 'B') * dimension(dims, 'T') * dimension(dims, 'C');
}

function forward(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem({ wgsl: 'embedding_forward', overrides: { ...sizes(dims), ...table(dims) } }, elements(dims), target);
}

function forwardToken(dims: Dims, target: KernelTarget): KernelVariant {
  return perItem(
    { wgsl: 'embedding_forward_token', overrides: { ...sizes(dims), ...table(dims) } },
    elements(dims),
    target,
  );
}

function backwardPosition(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, C } = sizes(dims);
  const overrides = { B, T, C, ACCUMULATE: flag(dims, 'accumulate') };
  return perItem({ wgsl: 'embedding_backward_position', overrides }, T * C, target);
}

/**
 * y = wte[token] + wpe[position]. Dims B, T, C, V and `first`, the token of the first of V rows of wte_VC: tokens
 * without a row leave y as it is. Only the first T rows of wpe_TC are read.
 */
export const embeddingForward: Kernel = {
  name: 'embedding_forward',
  bindings: [input('tokens_BT', 'u32'), input('wte_VC'), input('wpe_TC'), output('y_BTC')],
  variant: forward,
  reference: forward,
  flops: elements,
  bytes: (dims) => 4 * (3 * elements(dims) + dimension(dims, 'B') * dimension(dims, 'T')),
  cuts: [BY_TOKEN, BY_SEQUENCE],
  cpu: embeddingForwardTwin,
};

/** y = wte[token]. Dims B, T, C, V and `first`, as above. */
export const embeddingForwardToken: Kernel = {
  name: 'embedding_forward_token',
  bindings: [input('tokens_BT', 'u32'), input('wte_VC'), output('y_BTC')],
  variant: forwardToken,
  reference: forwardToken,
  flops: () => 0,
  bytes: (dims) => 4 * (2 * elements(dims) + dimension(dims, 'B') * dimension(dims, 'T')),
  cuts: [BY_TOKEN, BY_SEQUENCE],
  cpu: embeddingForwardTokenTwin,
};

/** dwpe (+ dwpe), ascending b. Dims B, T, C and the flag accumulate; writes the first T rows alone. */
export const embeddingBackwardPosition: Kernel = {
  name: 'embedding_backward_position',
  bindings: [input('dy_BTC'), output('dwpe_TC')],
  variant: backwardPosition,
  reference: backwardPosition,
  flops: elements,
  bytes: (dims) => 4 * (elements(dims) + (1 + flag(dims, 'accumulate')) * dimension(dims, 'T') * dimension(dims, 'C')),
  cuts: [accumulatingCut('B')],
  cpu: embeddingBackwardPositionTwin,
};
