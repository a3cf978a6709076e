import type { FieldError } from '@millrace/core';
import { completeModel } from './complete-model';
import type { ModelSpec } from './model-schema';

/** Finds sizes and settings of a model that do not fit together, or that its family does not have. */
export function modelRules(model: ModelSpec): FieldError[] {
  return [...headRules(model), ...(model.family === 'gpt2' ? gpt2Rules(model) : llamaRules(model))];
}

function headRules({ heads, hidden, kvHeads, headSize }: ModelSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (headSize === undefined && hidden % heads !== 0) {
    const message = `${hidden} is not a multiple of model.heads = ${heads}; choose hidden = heads * head size`;
    errors.push({ path: '/model/hidden', message });
  }
  if (kvHeads !== undefined && heads % kvHeads !== 0) {
    errors.push({ path: '/model/kvHeads', message: `${kvHeads} does not divide model.heads = ${heads}` });
  }
  return errors;
}

/** GPT-2's projections are one matrix of three squares, and its positions are learned. */
function gpt2Rules({ heads, hidden, kvHeads, headSize, ropeTheta, ropeScaling }: ModelSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (kvHeads !== undefined && kvHeads !== heads) {
    const message = `a gpt2 has as many as model.heads = ${heads}, not ${kvHeads}; leave it out, or take the family llama`;
    errors.push({ path: '/model/kvHeads', message });
  }
  if (headSize !== undefined && headSize * heads !== hidden) {
    const message = `a gpt2 has model.hidden / model.heads = ${hidden} / ${heads}, not ${headSize}; leave it out, or take the family llama`;
    errors.push({ path: '/model/headSize', message });
  }
  for (const [name, value] of Object.entries({ ropeTheta, ropeScaling })) {
    if (value === undefined || value === 'none') continue;
    errors.push({ path: `/model/${name}`, message: 'a gpt2 has no rotary positions; leave it out' });
  }
  return errors;
}

function llamaRules(model: ModelSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { headSize, ropeScaling } = completeModel(model);
  if (Number.isInteger(headSize) && headSize % 2 !== 0) {
    const message = `rotary positions turn pairs, and ${headSize} is odd; choose an even head size`;
    errors.push({ path: model.headSize === undefined ? '/model/hidden' : '/model/headSize', message });
  }
  if (typeof ropeScaling === 'object' && ropeScaling.type === 'llama3') {
    const { lowFreqFactor, highFreqFactor } = ropeScaling;
    if (highFreqFactor <= lowFreqFactor) {
      const message = `${highFreqFactor} must be above lowFreqFactor = ${lowFreqFactor}`;
      errors.push({ path: '/model/ropeScaling/highFreqFactor', message });
    }
  }
  return errors;
}
