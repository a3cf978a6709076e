import { compressionError } from '../http2.errors';
import { decodeHuffman } from './huffman-decoder';

/** An integer of HPACK has at most this many bytes after its prefix, so that it stays below 2^28 + 255. */
const CONTINUATION_BYTES_MAX = 4;

/** Reads the primitives of RFC 7541, section 5, from a header block. */
export class HpackReader {
  private at = 0;

  constructor(private readonly block: Buffer) {}

  get done(): boolean {
    return this.at >= this.block.length;
  }

  /** The byte that tells how a field is represented; it is not consumed. */
  peek(): number {
    const byte = this.block[this.at];
    if (byte === undefined) throw compressionError('a header block that ends within a field');
    return byte;
  }

  /** Reads an integer (section 5.1); its prefix is the last `prefixBits` of the next byte. */
  integer(prefixBits: number): number {
    const limit = 2 ** prefixBits - 1;
    let value = this.peek() & limit;
    this.at++;
    if (value < limit) return value;
    for (let index = 0; index < CONTINUATION_BYTES_MAX; index++) {
      const byte = this.peek();
      this.at++;
      value += (byte & 0x7f) * 128 ** index;
      if (byte < 128) return value;
    }
    throw compressionError('an integer that does not end');
  }

  /** Reads a text (section 5.2). */
  text(): string {
    const huffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    if (length > this.block.length - this.at) throw compressionError('a text longer than its header block');
    const bytes = this.block.subarray(this.at, this.at + length);
    this.at += length;
    return huffman ? decodeHuffman(bytes) : bytes.toString('latin1');
  }
}
