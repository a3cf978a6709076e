import type { ModelConfig } from '@millrace/core';
import type { Shape } from '@millrace/tensor';
import type { FamilyParameters } from '../model-family';
import {
  declareParameter,
  type InitialValues,
  normal,
  ONES,
  type ParameterDeclaration,
  ZEROS,
} from '../parameter-declaration';

export const GPT2_TOKEN_EMBEDDING = 'transformer.wte.weight';
export const GPT2_POSITION_EMBEDDING = 'transformer.wpe.weight';
export const HEAD_WEIGHT = 'lm_head.weight';
export const GPT2_FINAL_NORM = 'transformer.ln_f';
/** The beginning of a block's names, before the layer's index. */
export const GPT2_BLOCK_PREFIX = 'transformer.h.';

/** GPT-2's deviation of initial weights (Radford et al. 2019, section 2.3). */
const STANDARD_DEVIATION = 0.02;
const WEIGHTS = normal(STANDARD_DEVIATION);

/** The prefix of the names of block `layer`. */
export function blockName(layer: number): string {
  return `${GPT2_BLOCK_PREFIX}${layer}`;
}

/** A weight, and its bias, which is as long as the weight's last dimension. */
function pair(name: string, shape: Shape, weight: InitialValues): ParameterDeclaration[] {
  return [
    declareParameter(`${name}.weight`, shape, weight),
    declareParameter(`${name}.bias`, [shape.at(-1) as number], ZEROS),
  ];
}

/** Linear weights are [in, out] (Hugging Face's Conv1D); the embeddings and the head are [V, C]. */
function block(config: ModelConfig, layer: number): ParameterDeclaration[] {
  const { hidden: C, ffn: F } = config;
  const prefix = blockName(layer);
  // The projections that write into the residual stream begin smaller.
  const projection = normal(STANDARD_DEVIATION / Math.sqrt(2 * config.layers));
  return [
    ...pair(`${prefix}.ln_1`, [C], ONES),
    ...pair(`${prefix}.attn.c_attn`, [C, 3 * C], WEIGHTS),
    ...pair(`${prefix}.attn.c_proj`, [C, C], projection),
    ...pair(`${prefix}.ln_2`, [C], ONES),
    ...pair(`${prefix}.mlp.c_fc`, [C, F], WEIGHTS),
    ...pair(`${prefix}.mlp.c_proj`, [F, C], projection),
  ];
}

export const GPT2_PARAMETERS: FamilyParameters = {
  tokenEmbedding: GPT2_TOKEN_EMBEDDING,
  headWeight: HEAD_WEIGHT,
  embedding: ({ hidden: C, context: T, vocab: V }) => [
    declareParameter(GPT2_TOKEN_EMBEDDING, [V, C], WEIGHTS),
    { ...declareParameter(GPT2_POSITION_EMBEDDING, [T, C], WEIGHTS), rowPerPosition: true },
  ],
  block,
  head: ({ hidden: C, vocab: V, tieEmbeddings }) => [
    ...pair(GPT2_FINAL_NORM, [C], ONES),
    ...(tieEmbeddings ? [] : [declareParameter(HEAD_WEIGHT, [V, C], WEIGHTS)]),
  ],
};
