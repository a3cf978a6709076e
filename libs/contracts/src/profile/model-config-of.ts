import type { ModelConfig } from '@millrace/core';
import type { RunSpec } from '../run-spec';

/** The model of a spec; `vocab` is the vocabulary that the run ends up with. */
export function modelConfigOf({ model }: RunSpec, vocab: number): ModelConfig {
  const { layers, heads, hidden, ffn = 4 * hidden, context, tieEmbeddings } = model;
  return { family: 'gpt2', layers, heads, hidden, ffn, context, vocab, tieEmbeddings };
}
