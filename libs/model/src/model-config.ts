import type { ModelConfig, StageSlice } from '@millrace/core';
import { modelShapeError } from './model.errors';

/**
 * Letters used for sizes in this library, in names (`x_BTC`) and in comments:
 *   B sequences of a micro-batch   T context   N = B*T rows   C hidden width
 *   H heads   G key and value heads   D head size   A = H*D   E = (H+2G)*D columns of queries, keys and values
 *   F feed-forward width   V vocabulary   L elements
 */

/** The slice that holds the whole model. */
export function wholeModel(config: ModelConfig): StageSlice {
  return { firstLayer: 0, layerCount: config.layers, embedding: true, head: true };
}

/** Slices of consecutive stages for `layersPerStage` (zeros only at the ends). */
export function stageSlices(config: ModelConfig, layersPerStage: readonly number[]): StageSlice[] {
  const total = layersPerStage.reduce((sum, count) => sum + count, 0);
  if (total !== config.layers) {
    throw modelShapeError(`layers per stage add to ${total}`, `the model has ${config.layers} layers`);
  }
  let firstLayer = 0;
  return layersPerStage.map((layerCount, stage) => {
    const slice = { firstLayer, layerCount, embedding: stage === 0, head: stage === layersPerStage.length - 1 };
    firstLayer += layerCount;
    return slice;
  });
}
