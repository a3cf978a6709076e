import type { IncrementalEncoder, Tokenizer, TokenizerJson } from './tokenizer';
import { assertWellFormed } from './half-surrogate-index';

const VOCAB = 256;
const NEWLINE = 0x0a;
/** UTF-8 of U+FFFD, for ids that are no byte. */
const REPLACEMENT = [0xef, 0xbf, 0xbd];

/** One id per UTF-8 byte; vocabulary 256. */
export class ByteTokenizer implements Tokenizer {
  readonly name = 'byte';
  readonly vocab = VOCAB;
  readonly documentSeparator = Uint16Array.of(NEWLINE);
  private readonly encoder = new TextEncoder();
  /** `ignoreBOM: true` keeps a byte order mark in the output, so that decode undoes encode. */
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  encode(text: string): Uint16Array {
    assertWellFormed(text);
    return new Uint16Array(this.encoder.encode(text));
  }

  decode(ids: ArrayLike<number>): string {
    const bytes = Array.from(ids).flatMap((id) => (id < VOCAB ? id : REPLACEMENT));
    return this.decoder.decode(Uint8Array.from(bytes));
  }

  createEncoder(): IncrementalEncoder {
    return { push: (text) => this.encode(text), finish: () => new Uint16Array(0) };
  }

  toJSON(): TokenizerJson {
    return { name: this.name };
  }
}
