import { greatestCommonDivisor } from '@millrace/core';
import type { FamilyFiles, FileShapes } from '../model-family';
import { LLAMA_BLOCK_PREFIX, blockNames, LLAMA_TOKEN_EMBEDDING } from './llama-parameters';

/** Frequencies that Hugging Face once saved with the weights; they are not parameters. */
const FREQUENCIES = /^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$/;
/** Head sizes of published models, the usual ones first. */
const HEAD_SIZES = [128, 64];
/** From this width of the queries on, heads of 128 are usual. */
const WIDE = 3072;
/** What no shape tells, from Hugging Face's configuration: `max_position_embeddings`, `rms_norm_eps`, `rope_theta`. */
const USUAL = { context: 2048, normEps: 1e-6, ropeTheta: 10_000 };

/** The rows of the query and key projections: heads and key heads times the head size. */
function attentionRows({ matrix }: FileShapes): readonly [queries: number, keys: number] {
  const { query, key } = blockNames(0);
  return [matrix(query)[0], matrix(key)[0]];
}

/** Finds heads even if a file makes no sense as a model of this family, because its tensors are compared afterwards. */
function usualHeads(shapes: FileShapes): number {
  const [queries, keys] = attentionRows(shapes);
  const sizes = queries >= WIDE ? HEAD_SIZES : HEAD_SIZES.toReversed();
  const size = sizes.find((each) => queries % each === 0 && keys % each === 0);
  // A single group of heads always fits the shapes; whoever uses the model gives their number.
  return queries / (size ?? greatestCommonDivisor(queries, keys));
}

export const LLAMA_FILES: FamilyFiles = {
  title: 'Llama',
  prefix: 'model.',
  blockPrefix: LLAMA_BLOCK_PREFIX,
  isBuffer: (name) => FREQUENCIES.test(name),
  configOf: (shapes, given) => {
    const { layers, isTied, matrix } = shapes;
    const [vocab, hidden] = matrix(LLAMA_TOKEN_EMBEDDING);
    const [ffn] = matrix(blockNames(0).gate);
    const [queries, keys] = attentionRows(shapes);
    const heads = given ?? usualHeads(shapes);
    const headSize = queries / heads;
    const sizes = { layers, heads, kvHeads: keys / headSize, hidden, headSize, ffn, vocab, tieEmbeddings: isTied };
    return { family: 'llama', ...sizes, ...USUAL };
  },
  fitsHeads: (shapes, heads) => {
    const [queries, keys] = attentionRows(shapes);
    const headSize = queries / heads;
    return headSize % 2 === 0 && keys % headSize === 0 && heads % (keys / headSize) === 0;
  },
};
