import type { ModelConfig, StageSlice } from '@millrace/core';
import { headGradientName, ownedParameters, stageParameters } from '../parameters';
import { TensorCatalog } from '../tensor-catalog';
import { gradientName, type StageContext, type StageSizes } from './stage-context';

function stageSizes(config: ModelConfig, microBatch: number): StageSizes {
  const { context: T, hidden: C, heads: H, ffn: F, vocab: V, kvHeads: G = H, headSize: D = C / H } = config;
  return { B: microBatch, T, N: microBatch * T, C, H, G, D, F, V };
}

interface StageContextOptions extends Pick<StageContext, 'recompute' | 'headBytesMax'> {
  readonly microBatch: number;
}

/** Opens a catalog with the stage's parameters and the gradients that its own W programs add to. */
export function openStageContext(
  config: ModelConfig,
  slice: StageSlice,
  { microBatch, recompute, headBytesMax }: StageContextOptions,
): StageContext {
  const catalog = new TensorCatalog();
  const sizes = stageSizes(config, microBatch);
  const parameters = stageParameters(config, slice);
  for (const { name, shape } of parameters) catalog.declare(name, shape, 'parameter');
  for (const { name, shape } of ownedParameters(config, slice)) {
    catalog.declare(gradientName(name), shape, 'gradient');
  }
  if (slice.head) catalog.declare(headGradientName(config), [sizes.V, sizes.C], 'gradient');
  return { config, slice, recompute, dropout: config.dropout ?? 0, sizes, catalog, parameters, headBytesMax };
}
