import type { FamilyFiles } from '../model-family';
import { GPT2_BLOCK_PREFIX, blockName, GPT2_POSITION_EMBEDDING, GPT2_TOKEN_EMBEDDING } from './gpt2-parameters';

/** Causal masks that Hugging Face once saved with the weights; they are not parameters. */
const MASK_BUFFER = /^transformer\.h\.\d+\.attn\.(bias|masked_bias)$/;
/** GPT-2's head size at every published width, used if a file does not tell its number of heads. */
const HEAD_SIZE = 64;

export const GPT2_FILES: FamilyFiles = {
  title: 'GPT-2',
  prefix: 'transformer.',
  blockPrefix: GPT2_BLOCK_PREFIX,
  isBuffer: (name) => MASK_BUFFER.test(name),
  configOf: ({ layers, isTied, matrix }, heads) => {
    const [vocab, hidden] = matrix(GPT2_TOKEN_EMBEDDING);
    const [context] = matrix(GPT2_POSITION_EMBEDDING);
    const [, ffn] = matrix(`${blockName(0)}.mlp.c_fc.weight`);
    const usual = hidden % HEAD_SIZE === 0 ? hidden / HEAD_SIZE : 1;
    return { family: 'gpt2', layers, heads: heads ?? usual, hidden, ffn, context, vocab, tieEmbeddings: isTied };
  },
  fitsHeads: ({ matrix }, heads) => matrix(GPT2_TOKEN_EMBEDDING)[1] % heads === 0,
};
