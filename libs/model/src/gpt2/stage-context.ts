import type { ModelConfig, Recompute } from '@millrace/core';
import { headWeightName, type ParameterDeclaration, stageParameters, TOKEN_EMBEDDING } from '../parameters';
import type { StageSlice } from '../model-config';
import { TensorCatalog } from '../tensor-catalog';

/** Sizes of one micro-batch; letters as in model-config.ts. */
export interface StageSizes {
  readonly B: number;
  readonly T: number;
  readonly N: number;
  readonly C: number;
  readonly H: number;
  readonly D: number;
  readonly F: number;
  readonly V: number;
}

/** What the builders of a stage's programs share. */
export interface StageContext {
  readonly config: ModelConfig;
  readonly slice: StageSlice;
  readonly recompute: Recompute;
  readonly sizes: StageSizes;
  readonly catalog: TensorCatalog;
  readonly parameters: readonly ParameterDeclaration[];
}

export function stageSizes(config: ModelConfig, microBatch: number): StageSizes {
  const { context: T, hidden: C, heads: H, ffn: F, vocab: V } = config;
  return { B: microBatch, T, N: microBatch * T, C, H, D: C / H, F, V };
}

/** The gradient tensor of a parameter. */
export function gradientName(parameter: string): string {
  return `${parameter}.grad`;
}

/**
 * The gradient of the head's weight. If it is tied, it is kept apart from the embedding's, so that the sum is the same
 * for every split.
 */
export function headGradientName(config: ModelConfig): string {
  const name = headWeightName(config);
  return config.tieEmbeddings ? `${name}.head_grad` : gradientName(name);
}

/** Sum of the two gradients of a tied embedding. */
export const TIED_GRADIENT_TOTAL = `${TOKEN_EMBEDDING}.grad_total`;

/** A catalog with the stage's parameters and the gradients that its own W programs add to. */
export function stageContext(
  config: ModelConfig,
  slice: StageSlice,
  { microBatch, recompute }: { readonly microBatch: number; readonly recompute: Recompute },
): StageContext {
  const catalog = new TensorCatalog();
  const parameters = stageParameters(config, slice);
  for (const { name, shape } of parameters) {
    catalog.declare(name, shape, 'parameter');
    if (name !== TOKEN_EMBEDDING || slice.embedding) catalog.declare(gradientName(name), shape, 'gradient');
  }
  const { V, C } = stageSizes(config, microBatch);
  if (slice.head) catalog.declare(headGradientName(config), [V, C], 'gradient');
  return { config, slice, recompute, sizes: stageSizes(config, microBatch), catalog, parameters };
}

/** The input of block `layer` (for `layer` = layers, of the final norm) and its gradient. */
export function residualName(layer: number): string {
  return `residual.${layer}_NC`;
}

export function residualGradientName(layer: number): string {
  return `residual.${layer}.grad_NC`;
}
