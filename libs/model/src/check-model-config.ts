import type { ModelConfig } from '@millrace/core';
import { familyOf } from './families/families';
import { modelShapeError } from './model.errors';

/** Throws MODEL.SHAPE unless every size is a positive integer and the sizes suit the family. */
export function checkModelConfig(config: ModelConfig): void {
  const { layers, heads, hidden, ffn, context, vocab } = config;
  const family = familyOf(config);
  for (const [name, size] of Object.entries({ layers, heads, hidden, ffn, context, vocab })) {
    if (!Number.isSafeInteger(size) || size < 1) throw modelShapeError(`${name} is ${size}`, 'give a positive integer');
  }
  family.check(config);
}
