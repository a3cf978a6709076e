import type { ManifestDocument } from '@millrace/contracts';
import type { ModelConfig, StageSlice } from '@millrace/core';
import { stageParameters } from '@millrace/model';

/**
 * A manifest with the tensors of some stages: what their rank reads of it. The others' would make its message as long
 * as the model is deep.
 */
export function withTensorsOf(
  manifest: ManifestDocument,
  model: ModelConfig,
  slices: readonly StageSlice[],
): ManifestDocument {
  const names = new Set(slices.flatMap((slice) => stageParameters(model, slice).map(({ name }) => name)));
  return { ...manifest, tensors: manifest.tensors.filter(({ name }) => names.has(name)) };
}
