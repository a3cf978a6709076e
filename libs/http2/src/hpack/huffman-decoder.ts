import { compressionError } from '../http2.errors';
import { END_OF_STRING, HUFFMAN_CODE_BITS, PADDING_BITS_MAX } from './huffman-code';

/**
 * The code as a binary tree in one array: node n has its children at 2n and 2n + 1. A child is another node (> 0), a
 * symbol s (written as -1 - s), or 0 if no code leads there, which does not occur since the code is complete.
 */
const TREE = buildTree();

function buildTree(): Int16Array {
  const tree = new Int16Array(2 * (END_OF_STRING + 1));
  let nodeCount = 1;
  let code = 0;
  let codeBits = 0;
  const symbols = HUFFMAN_CODE_BITS.map((bits, symbol) => ({ bits, symbol }));
  for (const { bits, symbol } of symbols.sort((a, b) => a.bits - b.bits || a.symbol - b.symbol)) {
    // Codes have up to 30 bits, so that shifts stay within 32.
    code <<= bits - codeBits;
    codeBits = bits;
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const child = 2 * node + ((code >>> bit) & 1);
      if (tree[child] === 0) tree[child] = nodeCount++;
      node = tree[child] as number;
    }
    tree[2 * node + (code & 1)] = -1 - symbol;
    code++;
  }
  return tree;
}

/**
 * Decodes a text (RFC 7541, section 5.2). Codes have at least 5 bits, so that the text has at most 8/5 as many bytes.
 */
export function decodeHuffman(bytes: Buffer): string {
  const text = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5));
  let length = 0;
  let node = 0;
  let pendingBits = 0;
  let onlyOnes = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const value = (byte >>> bit) & 1;
      const child = TREE[2 * node + value] as number;
      pendingBits++;
      onlyOnes = onlyOnes && value === 1;
      if (child >= 0) {
        node = child;
        continue;
      }
      const symbol = -1 - child;
      if (symbol === END_OF_STRING) throw compressionError('the end-of-string symbol in a text');
      text[length++] = symbol;
      node = 0;
      pendingBits = 0;
      onlyOnes = true;
    }
  }
  if (pendingBits > PADDING_BITS_MAX || !onlyOnes) throw compressionError('a Huffman code with wrong padding');
  return text.toString('latin1', 0, length);
}
