import { adamw } from './adamw/adamw';
import { add } from './add/add';
import { attentionMix, attentionScores, attentionSoftmax } from './attention/attention';
import {
  attentionKeyBackward,
  attentionQueryBackward,
  attentionScoresBackward,
  attentionSoftmaxBackward,
  attentionValueBackward,
} from './attention/attention-backward';
import { biasBackward } from './bias/bias';
import { narrow, widen } from './cast/cast';
import { crossEntropyBackward, crossEntropyForward, crossEntropyGradient } from './cross-entropy/cross-entropy';
import { dropout } from './dropout/dropout';
import { embeddingBackwardPosition, embeddingForward, embeddingForwardToken } from './embedding/embedding';
import { embeddingBackwardToken, tokenOrder } from './embedding/embedding-backward-token';
import { flashAttentionBackward, flashAttentionForward, flashAttentionInner } from './flash-attention/flash-attention';
import { geluBackward, geluForward } from './gelu/gelu';
import { type HalfKernelName, halfKernels } from './halves/half-kernels';
import type { Kernel } from './kernel';
import { layernormBackwardInput, layernormBackwardWeight, layernormForward } from './layernorm/layernorm';
import { matmulNn, matmulNt, matmulTn } from './matmul/matmul';
import { matmulNnGelu, matmulNtSwiglu } from './matmul/matmul-fused';
import { matmulNnParts, matmulNtParts, matmulPartsSum, matmulTnParts } from './matmul/parts/matmul-parts';
import { multiplyAdd } from './multiply-add/multiply-add';
import { rmsnormBackwardInput, rmsnormBackwardWeight, rmsnormForward } from './rmsnorm/rmsnorm';
import { ropeBackward, ropeForward } from './rope/rope';
import { sgd, sgdMomentum } from './sgd/sgd';
import { sumOfSquares, sumOfSquaresPacked } from './sum-of-squares/sum-of-squares';
import { swigluBackward, swigluForward } from './swiglu/swiglu';

/** The kernels whose tensors are all f32 or u32, and those that convert. */
export type FullKernelName =
  | 'matmul_nn'
  | 'matmul_nt'
  | 'matmul_tn'
  | 'matmul_nn_gelu'
  | 'matmul_nt_swiglu'
  | 'matmul_nn_parts'
  | 'matmul_nt_parts'
  | 'matmul_tn_parts'
  | 'matmul_parts_sum'
  | 'bias_backward'
  | 'layernorm_forward'
  | 'layernorm_backward_input'
  | 'layernorm_backward_weight'
  | 'rmsnorm_forward'
  | 'rmsnorm_backward_input'
  | 'rmsnorm_backward_weight'
  | 'gelu_forward'
  | 'gelu_backward'
  | 'swiglu_forward'
  | 'swiglu_backward'
  | 'rope_forward'
  | 'rope_backward'
  | 'flash_attention_forward'
  | 'flash_attention_inner'
  | 'flash_attention_backward'
  | 'attention_scores'
  | 'attention_softmax'
  | 'attention_mix'
  | 'attention_scores_backward'
  | 'attention_softmax_backward'
  | 'attention_query_backward'
  | 'attention_key_backward'
  | 'attention_value_backward'
  | 'embedding_forward'
  | 'embedding_forward_token'
  | 'token_order'
  | 'embedding_backward_token'
  | 'embedding_backward_position'
  | 'dropout'
  | 'cross_entropy_forward'
  | 'cross_entropy_backward'
  | 'cross_entropy_gradient'
  | 'add'
  | 'multiply_add'
  | 'narrow'
  | 'widen'
  | 'sum_of_squares'
  | 'sum_of_squares_packed'
  | 'adamw'
  | 'sgd'
  | 'sgd_momentum';

const FULL_KERNELS: Readonly<Record<FullKernelName, Kernel>> = {
  matmul_nn: matmulNn,
  matmul_nt: matmulNt,
  matmul_tn: matmulTn,
  matmul_nn_gelu: matmulNnGelu,
  matmul_nt_swiglu: matmulNtSwiglu,
  matmul_nn_parts: matmulNnParts,
  matmul_nt_parts: matmulNtParts,
  matmul_tn_parts: matmulTnParts,
  matmul_parts_sum: matmulPartsSum,
  bias_backward: biasBackward,
  layernorm_forward: layernormForward,
  layernorm_backward_input: layernormBackwardInput,
  layernorm_backward_weight: layernormBackwardWeight,
  rmsnorm_forward: rmsnormForward,
  rmsnorm_backward_input: rmsnormBackwardInput,
  rmsnorm_backward_weight: rmsnormBackwardWeight,
  gelu_forward: geluForward,
  gelu_backward: geluBackward,
  swiglu_forward: swigluForward,
  swiglu_backward: swigluBackward,
  rope_forward: ropeForward,
  rope_backward: ropeBackward,
  flash_attention_forward: flashAttentionForward,
  flash_attention_inner: flashAttentionInner,
  flash_attention_backward: flashAttentionBackward,
  // The naive form: the oracle of the others, which no model uses.
  attention_scores: attentionScores,
  attention_softmax: attentionSoftmax,
  attention_mix: attentionMix,
  attention_scores_backward: attentionScoresBackward,
  attention_softmax_backward: attentionSoftmaxBackward,
  attention_query_backward: attentionQueryBackward,
  attention_key_backward: attentionKeyBackward,
  attention_value_backward: attentionValueBackward,
  embedding_forward: embeddingForward,
  embedding_forward_token: embeddingForwardToken,
  token_order: tokenOrder,
  embedding_backward_token: embeddingBackwardToken,
  embedding_backward_position: embeddingBackwardPosition,
  dropout,
  cross_entropy_forward: crossEntropyForward,
  cross_entropy_backward: crossEntropyBackward,
  cross_entropy_gradient: crossEntropyGradient,
  add,
  multiply_add: multiplyAdd,
  narrow,
  widen,
  sum_of_squares: sumOfSquares,
  sum_of_squares_packed: sumOfSquaresPacked,
  adamw,
  sgd,
  sgd_momentum: sgdMomentum,
};

export type KernelName = FullKernelName | HalfKernelName;

/** Every kernel by name. */
export const KERNELS: Readonly<Record<KernelName, Kernel>> = { ...FULL_KERNELS, ...halfKernels(FULL_KERNELS) };
