import { input, output } from '../binding';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import {
  attentionKeyBackwardTwin,
  attentionQueryBackwardTwin,
  attentionScoresBackwardTwin,
  attentionSoftmaxBackwardTwin,
  attentionValueBackwardTwin,
} from './attention-backward.cpu';
import { keyRows, queryRows, square, subgroupProduct, tokenRows, valueRows } from './attention-product';
import { attentionSizes, causalPairs } from './attention-sizes';

/** `heads` are those that the columns written belong to. */
function partBackward(wgsl: string, heads: 'H' | 'G'): (dims: Dims, target: KernelTarget) => KernelVariant {
  return (dims, target) => {
    const { B, T, H, G, D } = attentionSizes(dims);
    return perItem({ wgsl, overrides: { B, T, H, G, D } }, B * T * { H, G }[heads] * D, target);
  };
}

const queryBackwardScalar = partBackward('attention_query_backward', 'H');
const keyBackwardScalar = partBackward('attention_key_backward', 'G');
const valueBackwardScalar = partBackward('attention_value_backward', 'G');

function scoresBackwardScalar(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, H, G, D } = attentionSizes(dims);
  return perItem({ wgsl: 'attention_scores_backward', overrides: { B, T, H, G, D } }, B * H * T * T, target);
}

function scoresBackward(dims: Dims, target: KernelTarget): KernelVariant {
  const operands = { a: tokenRows, b: valueRows, c: square };
  return subgroupProduct('nt', dims, { target, operands }) ?? scoresBackwardScalar(dims, target);
}

function queryBackward(dims: Dims, target: KernelTarget): KernelVariant {
  const operands = { a: square, b: keyRows, c: queryRows };
  return subgroupProduct('nn', dims, { target, operands }) ?? queryBackwardScalar(dims, target);
}

function keyBackward(dims: Dims, target: KernelTarget): KernelVariant {
  const operands = { a: square, b: queryRows, c: keyRows };
  return subgroupProduct('tn', dims, { target, operands }) ?? keyBackwardScalar(dims, target);
}

function valueBackward(dims: Dims, target: KernelTarget): KernelVariant {
  const operands = { a: square, b: tokenRows, c: valueRows };
  return subgroupProduct('tn', dims, { target, operands }) ?? valueBackwardScalar(dims, target);
}

function softmaxBackward(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, H, D } = attentionSizes(dims);
  return perItem({ wgsl: 'attention_softmax_backward', overrides: { B, T, H, D } }, B * H * T, target);
}

function productFlops(dims: Dims): number {
  const sizes = attentionSizes(dims);
  return 2 * causalPairs(sizes) * sizes.D;
}

/** It moves two tensors of [B,H,T,D], and of one [B,H,T,T] the half that causal attention uses. */
function productBytes(dims: Dims): number {
  const { B, T, H, D } = attentionSizes(dims);
  return 4 * (2 * B * T * H * D + (B * H * T * T) / 2);
}

/** Gradient of the probabilities on and below the diagonal, dy·v; entries above it are left. Dims B, T, H, G, D. */
export const attentionScoresBackward: Kernel = {
  name: 'attention_scores_backward',
  bindings: [input('dy_BTC'), input('qkv_BTE'), output('dscores_BHTT')],
  variant: scoresBackward,
  reference: scoresBackwardScalar,
  flops: productFlops,
  bytes: productBytes,
  cpu: attentionScoresBackwardTwin,
};

/** Turns the gradient of the probabilities into that of q·k, in place, 0 above the diagonal. Dims B, T, H, G, D. */
export const attentionSoftmaxBackward: Kernel = {
  name: 'attention_softmax_backward',
  bindings: [input('probabilities_BHTT'), output('dscores_BHTT')],
  variant: softmaxBackward,
  reference: softmaxBackward,
  flops: (dims) => 5 * causalPairs(attentionSizes(dims)),
  bytes: (dims) => 8 * causalPairs(attentionSizes(dims)) * 1.5,
  cpu: attentionSoftmaxBackwardTwin,
};

/** The q columns of dqkv. Dims B, T, H, G, D. */
export const attentionQueryBackward: Kernel = {
  name: 'attention_query_backward',
  bindings: [input('dscores_BHTT'), input('qkv_BTE'), output('dqkv_BTE')],
  variant: queryBackward,
  reference: queryBackwardScalar,
  flops: productFlops,
  bytes: productBytes,
  cpu: attentionQueryBackwardTwin,
};

/** The k columns of dqkv. Dims B, T, H, G, D. */
export const attentionKeyBackward: Kernel = {
  name: 'attention_key_backward',
  bindings: [input('dscores_BHTT'), input('qkv_BTE'), output('dqkv_BTE')],
  variant: keyBackward,
  reference: keyBackwardScalar,
  flops: productFlops,
  bytes: productBytes,
  cpu: attentionKeyBackwardTwin,
};

/** The v columns of dqkv. Dims B, T, H, G, D. */
export const attentionValueBackward: Kernel = {
  name: 'attention_value_backward',
  bindings: [input('probabilities_BHTT'), input('dy_BTC'), output('dqkv_BTE')],
  variant: valueBackward,
  reference: valueBackwardScalar,
  flops: productFlops,
  bytes: productBytes,
  cpu: attentionValueBackwardTwin,
};
