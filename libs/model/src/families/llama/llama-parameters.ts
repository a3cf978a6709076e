import type { ModelConfig } from '@millrace/core';
import type { FamilyParameters } from '../model-family';
import { declareParameter, normal, ONES, type ParameterDeclaration } from '../parameter-declaration';

export const LLAMA_TOKEN_EMBEDDING = 'model.embed_tokens.weight';
export const LLAMA_FINAL_NORM = 'model.norm.weight';
const HEAD_WEIGHT = 'lm_head.weight';
/** The beginning of a block's names, before the layer's index. */
export const LLAMA_BLOCK_PREFIX = 'model.layers.';

/** The deviation of initial weights is Hugging Face's `initializer_range`. */
const WEIGHTS = normal(0.02);

/** Names of the parameters of a block. */
export interface BlockNames {
  readonly norm1: string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly output: string;
  readonly norm2: string;
  readonly gate: string;
  readonly up: string;
  readonly down: string;
}

export function blockNames(layer: number): BlockNames {
  const prefix = `${LLAMA_BLOCK_PREFIX}${layer}`;
  return {
    norm1: `${prefix}.input_layernorm.weight`,
    query: `${prefix}.self_attn.q_proj.weight`,
    key: `${prefix}.self_attn.k_proj.weight`,
    value: `${prefix}.self_attn.v_proj.weight`,
    output: `${prefix}.self_attn.o_proj.weight`,
    norm2: `${prefix}.post_attention_layernorm.weight`,
    gate: `${prefix}.mlp.gate_proj.weight`,
    up: `${prefix}.mlp.up_proj.weight`,
    down: `${prefix}.mlp.down_proj.weight`,
  };
}

/** Linear weights are [out, in]; the embedding and the head are [V, C]. There are no biases. */
function block(config: ModelConfig, layer: number): ParameterDeclaration[] {
  const { hidden: C, ffn: F, heads: H, kvHeads: G = H, headSize: D = C / H } = config;
  const names = blockNames(layer);
  return [
    declareParameter(names.norm1, [C], ONES),
    declareParameter(names.query, [H * D, C], WEIGHTS),
    declareParameter(names.key, [G * D, C], WEIGHTS),
    declareParameter(names.value, [G * D, C], WEIGHTS),
    declareParameter(names.output, [C, H * D], WEIGHTS),
    declareParameter(names.norm2, [C], ONES),
    declareParameter(names.gate, [F, C], WEIGHTS),
    declareParameter(names.up, [F, C], WEIGHTS),
    declareParameter(names.down, [C, F], WEIGHTS),
  ];
}

export const LLAMA_PARAMETERS: FamilyParameters = {
  tokenEmbedding: LLAMA_TOKEN_EMBEDDING,
  headWeight: HEAD_WEIGHT,
  embedding: ({ hidden: C, vocab: V }) => [declareParameter(LLAMA_TOKEN_EMBEDDING, [V, C], WEIGHTS)],
  block,
  head: ({ hidden: C, vocab: V, tieEmbeddings }) => [
    declareParameter(LLAMA_FINAL_NORM, [C], ONES),
    ...(tieEmbeddings ? [] : [declareParameter(HEAD_WEIGHT, [V, C], WEIGHTS)]),
  ],
};
