import type { ModelConfig } from '@millrace/core';
import { familyUnknown } from '../model.errors';
import { GPT2 } from './gpt2/gpt2-family';
import { LLAMA } from './llama/llama-family';
import type { ModelFamily } from './model-family';

/** Every family of this build. */
export const MODEL_FAMILIES: readonly ModelFamily[] = [GPT2, LLAMA];

/** Returns the family of a model. @throws AppError MODEL.FAMILY_UNKNOWN */
export function familyOf({ family }: Pick<ModelConfig, 'family'>): ModelFamily {
  const found = MODEL_FAMILIES.find(({ name }) => name === family);
  if (found === undefined) {
    const known = MODEL_FAMILIES.map(({ name }) => name);
    throw familyUnknown(family, known);
  }
  return found;
}
