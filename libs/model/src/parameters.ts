import type { ModelConfig, StageSlice } from '@millrace/core';
import { elementCount } from '@millrace/tensor';
import { familyOf } from './families/families';
import type { ParameterDeclaration } from './families/parameter-declaration';
import { wholeModel } from './model-config';
import { gradientName } from './stage/stage-context';

export type { ParameterDeclaration } from './families/parameter-declaration';

/**
 * The name of the head's weight, which is the token embedding if they are tied; the last stage then declares it too.
 */
export function headWeightName(config: ModelConfig): string {
  const { tokenEmbedding, headWeight } = familyOf(config).parameters;
  return config.tieEmbeddings ? tokenEmbedding : headWeight;
}

/**
 * The gradient of the head's weight. If it is tied, it is kept apart from the embedding's, so that the sum is the same
 * for every split.
 */
export function headGradientName(config: ModelConfig): string {
  const name = headWeightName(config);
  return config.tieEmbeddings ? `${name}.head_grad` : gradientName(name);
}

/** Tells whether the slice has a copy of a tied embedding that belongs to another stage. */
function holdsCopy(config: ModelConfig, slice: StageSlice): boolean {
  return slice.head && config.tieEmbeddings && !slice.embedding;
}

/**
 * The parameters that a stage owns, in the fixed global order: it writes these to checkpoints and counts their
 * gradients in the norm. Every parameter of the model has one owner.
 */
export function ownedParameters(config: ModelConfig, slice: StageSlice): ParameterDeclaration[] {
  const { embedding, block, head } = familyOf(config).parameters;
  const blocks = Array.from({ length: slice.layerCount }, (_, index) => block(config, slice.firstLayer + index));
  return [...(slice.embedding ? embedding(config) : []), ...blocks.flat(), ...(slice.head ? head(config) : [])];
}

/**
 * The parameters of a stage, in the fixed global order. A tied head on a stage without the embedding has a copy of the
 * token embedding, which both stages update in the same way.
 */
export function stageParameters(config: ModelConfig, slice: StageSlice): ParameterDeclaration[] {
  const copy = holdsCopy(config, slice) ? familyOf(config).parameters.embedding(config).slice(0, 1) : [];
  return [...copy, ...ownedParameters(config, slice)];
}

/** Every parameter of the model once, in the fixed global order: the embedding, the blocks, the head. */
export function allParameters(config: ModelConfig): ParameterDeclaration[] {
  return ownedParameters(config, wholeModel(config));
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
