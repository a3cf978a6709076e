import { tokenizerHasNoText } from '../data.errors';
import type { IncrementalEncoder, Tokenizer, TokenizerJson } from './tokenizer';

/** Stands for ids that were uploaded without text: it knows the vocabulary, and refuses to encode or decode. */
export class TokensTokenizer implements Tokenizer {
  readonly name = 'tokens';
  readonly documentSeparator = new Uint16Array(0);

  /** `vocab` is the largest uploaded id + 1. */
  constructor(readonly vocab: number) {}

  encode(_text: string): never {
    throw tokenizerHasNoText();
  }

  decode(_ids: ArrayLike<number>): never {
    throw tokenizerHasNoText();
  }

  createEncoder(): IncrementalEncoder {
    throw tokenizerHasNoText();
  }

  toJSON(): TokenizerJson {
    return { name: this.name, vocab: this.vocab };
  }
}
