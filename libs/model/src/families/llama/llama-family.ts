import type { ModelConfig } from '@millrace/core';
import { modelShapeError } from '../../model.errors';
import { normPlaces } from '../../stage/norm';
import type { ModelFamily } from '../model-family';
import { llamaBlock } from './llama-block';
import { embeddingBackward, tokenEmbeddingForward } from './llama-embedding';
import { LLAMA_FILES } from './llama-files';
import { LLAMA_FINAL_NORM, LLAMA_PARAMETERS } from './llama-parameters';
import { rmsNorm } from './rms-norm';

function check({ hidden, heads, kvHeads = heads, headSize = hidden / heads }: ModelConfig): void {
  if (!Number.isSafeInteger(headSize) || headSize < 2 || headSize % 2 !== 0) {
    const change = 'rotary positions turn pairs: give an even head size';
    throw modelShapeError(`the head size is ${headSize} (hidden ${hidden}, heads ${heads})`, change);
  }
  if (!Number.isSafeInteger(kvHeads) || kvHeads < 1 || heads % kvHeads !== 0) {
    throw modelShapeError(`heads ${heads} is not divisible by kvHeads ${kvHeads}`, 'make heads a multiple of kvHeads');
  }
}

/**
 * Touvron et al. 2023 (arXiv:2302.13971, arXiv:2307.09288): RMSNorm before each half of a block, rotary positions,
 * SwiGLU, query heads that share key heads, no biases.
 */
export const LLAMA: ModelFamily = {
  name: 'llama',
  check,
  parameters: LLAMA_PARAMETERS,
  programs: {
    embeddingForward: tokenEmbeddingForward,
    embeddingBackwardWeight: embeddingBackward,
    block: llamaBlock,
    finalNorm: (context, place) => rmsNorm(context, { ...normPlaces(place, 'norm'), weight: LLAMA_FINAL_NORM }),
  },
  files: LLAMA_FILES,
};
