import type { ModelConfig } from '@millrace/core';
import { modelShapeError } from '../../model.errors';
import { normPlaces } from '../../stage/norm';
import type { ModelFamily } from '../model-family';
import { gpt2Block } from './gpt2-block';
import { embeddingBackwardWeight, gpt2Embedding } from './gpt2-embedding';
import { GPT2_FILES } from './gpt2-files';
import { GPT2_FINAL_NORM, GPT2_PARAMETERS } from './gpt2-parameters';
import { layerNorm } from './layer-norm';

function check({ hidden, heads }: ModelConfig): void {
  if (hidden % heads !== 0) {
    throw modelShapeError(`hidden ${hidden} is not divisible by heads ${heads}`, 'make hidden a multiple of heads');
  }
}

/** Radford et al. 2019: learned positions, LayerNorm before each half of a block, GELU, biases everywhere. */
export const GPT2: ModelFamily = {
  name: 'gpt2',
  check,
  parameters: GPT2_PARAMETERS,
  programs: {
    embeddingForward: gpt2Embedding,
    embeddingBackwardWeight,
    block: gpt2Block,
    finalNorm: (context, place) => layerNorm(context, { ...normPlaces(place, 'ln_f'), weight: GPT2_FINAL_NORM }),
  },
  files: GPT2_FILES,
};
