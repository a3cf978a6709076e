import type { ModelConfig } from '@millrace/core';
import { elementCount, type Shape } from '@millrace/tensor';
import type { StageSlice } from './model-config';

/** A trained tensor, by its Hugging Face name. */
export interface ParameterDeclaration {
  readonly name: string;
  readonly shape: Shape;
  /** Whether AdamW decays it, which it does to tensors of two or more dimensions. */
  readonly decay: boolean;
}

/** The token embedding. If it is tied it is also the head's weight, and the last stage declares it too. */
export const TOKEN_EMBEDDING = 'transformer.wte.weight';
export const POSITION_EMBEDDING = 'transformer.wpe.weight';
export const HEAD_WEIGHT = 'lm_head.weight';
export const FINAL_NORM = 'transformer.ln_f';

/** Prefix of the names of block `layer`. */
export function blockName(layer: number): string {
  return `transformer.h.${layer}`;
}

function parameter(name: string, shape: Shape): ParameterDeclaration {
  return { name, shape, decay: shape.length >= 2 };
}

/** Linear weights are [in, out] (GPT-2's Conv1D); the embeddings and the head are [V, C]. */
function blockParameters(config: ModelConfig, layer: number): ParameterDeclaration[] {
  const { hidden: C, ffn: F } = config;
  const prefix = blockName(layer);
  return [
    parameter(`${prefix}.ln_1.weight`, [C]),
    parameter(`${prefix}.ln_1.bias`, [C]),
    parameter(`${prefix}.attn.c_attn.weight`, [C, 3 * C]),
    parameter(`${prefix}.attn.c_attn.bias`, [3 * C]),
    parameter(`${prefix}.attn.c_proj.weight`, [C, C]),
    parameter(`${prefix}.attn.c_proj.bias`, [C]),
    parameter(`${prefix}.ln_2.weight`, [C]),
    parameter(`${prefix}.ln_2.bias`, [C]),
    parameter(`${prefix}.mlp.c_fc.weight`, [C, F]),
    parameter(`${prefix}.mlp.c_fc.bias`, [F]),
    parameter(`${prefix}.mlp.c_proj.weight`, [F, C]),
    parameter(`${prefix}.mlp.c_proj.bias`, [C]),
  ];
}

/** The name of the head's weight, which is the token embedding if they are tied. */
export function headWeightName(config: ModelConfig): string {
  return config.tieEmbeddings ? TOKEN_EMBEDDING : HEAD_WEIGHT;
}

/**
 * The parameters of a stage, in the fixed global order. A tied head on a stage without the embedding has a copy of
 * `transformer.wte.weight`, which both stages update in the same way.
 */
export function stageParameters(config: ModelConfig, slice: StageSlice): ParameterDeclaration[] {
  const { hidden: C, context: T, vocab: V } = config;
  const parameters: ParameterDeclaration[] = [];
  if (slice.embedding || (slice.head && config.tieEmbeddings)) parameters.push(parameter(TOKEN_EMBEDDING, [V, C]));
  if (slice.embedding) parameters.push(parameter(POSITION_EMBEDDING, [T, C]));
  for (let index = 0; index < slice.layerCount; index++) {
    parameters.push(...blockParameters(config, slice.firstLayer + index));
  }
  if (slice.head) {
    parameters.push(parameter(`${FINAL_NORM}.weight`, [C]), parameter(`${FINAL_NORM}.bias`, [C]));
    if (!config.tieEmbeddings) parameters.push(parameter(HEAD_WEIGHT, [V, C]));
  }
  return parameters;
}

/** Every parameter of the model once, in the fixed global order: wte, wpe, h.0 …, ln_f, lm_head. */
export function allParameters(config: ModelConfig): ParameterDeclaration[] {
  return stageParameters(config, { firstLayer: 0, layerCount: config.layers, embedding: true, head: true });
}

/** Parameters in the whole model. */
export function parameterCount(config: ModelConfig): number {
  return countOf(allParameters(config));
}

/** Parameters in a stage, with its copy of a tied embedding. */
export function stageParameterCount(config: ModelConfig, slice: StageSlice): number {
  return countOf(stageParameters(config, slice));
}

function countOf(declarations: readonly ParameterDeclaration[]): number {
  return declarations.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
