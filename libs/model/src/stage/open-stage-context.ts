import type { ModelConfig, StageSlice } from '@millrace/core';
import { HEAD_BYTES_MAX } from '../head/head-chunks';
import { headGradientName, ownedParameters, stageParameters } from '../parameters';
import { TensorCatalog } from '../tensor-catalog';
import { gradientName, type StageContext, type StageProgramOptions, type StageSizes } from './stage-context';

function stageSizes(config: ModelConfig, microBatch: number): StageSizes {
  const { context: T, hidden: C, heads: H, ffn: F, vocab: V, kvHeads: G = H, headSize: D = C / H } = config;
  return { B: microBatch, T, N: microBatch * T, C, H, G, D, F, V };
}

/** Opens a catalog with the stage's parameters and the gradients that its own W programs add to. */
export function openStageContext(config: ModelConfig, slice: StageSlice, options: StageProgramOptions): StageContext {
  const { microBatch, recompute = 'none', fusedBackward = false, headBytesMax = HEAD_BYTES_MAX } = options;
  const { precision = 'f32', wire = 'f32' } = options;
  const catalog = new TensorCatalog();
  const sizes = stageSizes(config, microBatch);
  const parameters = stageParameters(config, slice);
  for (const { name, shape } of parameters) catalog.declare(name, shape, 'parameter');
  for (const { name, shape } of ownedParameters(config, slice)) {
    catalog.declare(gradientName(name), shape, 'gradient');
  }
  if (slice.head) catalog.declare(headGradientName(config), [sizes.V, sizes.C], 'gradient');
  const fused = fusedBackward && recompute === 'full';
  const dropout = config.dropout ?? 0;
  const shared = { config, slice, recompute, fused, precision, wire, dropout };
  return { ...shared, sizes, catalog, parameters, headBytesMax };
}
