import { input, output } from '../binding';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { keyRows, queryRows, square, subgroupProduct, tokenRows, valueRows } from './attention-product';
import { attentionMixTwin, attentionScoresTwin, attentionSoftmaxTwin } from './attention.cpu';
import { attentionSizes, causalPairs } from './attention-sizes';

function scoresScalar(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, H, G, D } = attentionSizes(dims);
  return perItem({ wgsl: 'attention_scores', overrides: { B, T, H, G, D } }, B * H * T * T, target);
}

function scores(dims: Dims, target: KernelTarget): KernelVariant {
  const operands = { a: queryRows, b: keyRows, c: square };
  return subgroupProduct('nt', dims, { target, operands, scaled: true }) ?? scoresScalar(dims, target);
}

function mix(dims: Dims, target: KernelTarget): KernelVariant {
  const operands = { a: square, b: valueRows, c: tokenRows };
  return subgroupProduct('nn', dims, { target, operands }) ?? mixScalar(dims, target);
}

function softmax(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, H } = attentionSizes(dims);
  return perItem({ wgsl: 'attention_softmax', overrides: { B, T, H } }, B * H * T, target);
}

function mixScalar(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, H, G, D } = attentionSizes(dims);
  return perItem({ wgsl: 'attention_mix', overrides: { B, T, H, G, D } }, B * T * H * D, target);
}

function pairsTimesHead(dims: Dims): number {
  const sizes = attentionSizes(dims);
  return 2 * causalPairs(sizes) * sizes.D;
}

function tokenBytes(dims: Dims, columnsPerHead: number): number {
  const { B, T, H, D } = attentionSizes(dims);
  return 4 * B * T * H * D * columnsPerHead;
}

function squareBytes(dims: Dims): number {
  const { B, T, H } = attentionSizes(dims);
  return 4 * B * H * T * T;
}

/**
 * Scaled q·k on and below the diagonal; entries above it are unspecified. Dims B, T, H, G, D. queries_BTE and keys_BTE
 * are one tensor, [B,T,(H+2G)D].
 */
export const attentionScores: Kernel = {
  name: 'attention_scores',
  bindings: [input('queries_BTE'), input('keys_BTE'), output('scores_BHTT')],
  variant: scores,
  reference: scoresScalar,
  flops: pairsTimesHead,
  bytes: (dims) => tokenBytes(dims, 2) + squareBytes(dims) / 2,
  cpu: attentionScoresTwin,
};

/** Causal softmax in place; entries above the diagonal become 0. Dims B, T, H, G, D. */
export const attentionSoftmax: Kernel = {
  name: 'attention_softmax',
  bindings: [output('probabilities_BHTT')],
  variant: softmax,
  reference: softmax,
  flops: (dims) => 5 * causalPairs(attentionSizes(dims)),
  bytes: (dims) => 1.5 * squareBytes(dims),
  cpu: attentionSoftmaxTwin,
};

/** y = p v. Dims B, T, H, G, D. */
export const attentionMix: Kernel = {
  name: 'attention_mix',
  bindings: [input('probabilities_BHTT'), input('qkv_BTE'), output('y_BTC')],
  variant: mix,
  reference: mixScalar,
  flops: pairsTimesHead,
  bytes: (dims) => tokenBytes(dims, 2) + squareBytes(dims) / 2,
  cpu: attentionMixTwin,
};
