import type { ModelConfig } from '@millrace/core';
import { completeModel, GPT2_NORM_EPS } from '../model/complete-model';
import type { RunSpec } from '../run-spec';

/**
 * The model of a spec; `vocab` is the vocabulary that the run ends up with. A gpt2 has no more fields than in
 * checkpoints of earlier builds, unless it has an epsilon of its own or is trained with dropout.
 */
export function modelConfigOf(spec: RunSpec, vocab: number): ModelConfig {
  const model = completeModel(spec.model);
  const { family, layers, heads, hidden, ffn, context, tieEmbeddings, kvHeads, headSize, normEps, ropeTheta } = model;
  const dropout = model.dropout === 0 ? {} : { dropout: model.dropout };
  const sizes = { family, layers, heads, hidden, ffn, context, vocab, tieEmbeddings, ...dropout };
  if (family === 'gpt2') return normEps === GPT2_NORM_EPS ? sizes : { ...sizes, normEps };
  const scaling = typeof model.ropeScaling === 'object' ? { ropeScaling: model.ropeScaling } : {};
  return { ...sizes, kvHeads, headSize, normEps, ropeTheta, ...scaling };
}
