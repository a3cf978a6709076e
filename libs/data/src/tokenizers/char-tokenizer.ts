import { assert } from '@millrace/core';
import { characterUnknown, textEmpty } from '../data.errors';
import { CodePointSet } from './code-point-set';
import { type IncrementalEncoder, type TokenIds, type Tokenizer, type TokenizerJson, U16_VOCAB_MAX } from './tokenizer';

const NEWLINE = 0x0a;

/** One id per Unicode code point; ids follow the ascending order of the code points that occur in the text. */
export class CharTokenizer implements Tokenizer {
  readonly name = 'char';
  readonly vocab: number;
  readonly documentSeparator: TokenIds;
  /** The id of each code point, -1 if it has none. */
  private readonly idOf: Int32Array;

  /** `codePoints` are distinct and ascending; there is at least one. */
  constructor(private readonly codePoints: readonly number[]) {
    assert(codePoints.length > 0, 'a char vocabulary has at least one character');
    this.vocab = codePoints.length;
    this.idOf = new Int32Array((codePoints.at(-1) ?? 0) + 1).fill(-1);
    codePoints.forEach((codePoint, id) => (this.idOf[codePoint] = id));
    const newlineId = this.idOf[NEWLINE] ?? -1;
    this.documentSeparator = this.allocate(newlineId < 0 ? 0 : 1).fill(newlineId);
  }

  /** Makes a tokenizer with the vocabulary of `text`. Throws DATA.TEXT_EMPTY. */
  static fromText(text: string): CharTokenizer {
    const seen = new CodePointSet();
    seen.addText(text);
    if (seen.size === 0) throw textEmpty();
    return new CharTokenizer(seen.sorted());
  }

  encode(text: string): TokenIds {
    const ids = this.allocate(text.length);
    let count = 0;
    for (let index = 0; index < text.length; index++) {
      const codePoint = text.codePointAt(index) ?? 0;
      const id = this.idOf[codePoint] ?? -1;
      if (id < 0) throw characterUnknown(String.fromCodePoint(codePoint), count, this.vocab);
      ids[count++] = id;
      if (codePoint > 0xffff) index++;
    }
    return ids.subarray(0, count);
  }

  decode(ids: ArrayLike<number>): string {
    return Array.from(ids, (id) => String.fromCodePoint(this.codePoints[id] ?? 0xfffd)).join('');
  }

  createEncoder(): IncrementalEncoder {
    return { push: (text) => this.encode(text), finish: () => this.allocate(0) };
  }

  toJSON(): TokenizerJson {
    return { name: this.name, codePoints: this.codePoints };
  }

  private allocate(length: number): TokenIds {
    return this.vocab > U16_VOCAB_MAX ? new Uint32Array(length) : new Uint16Array(length);
  }
}
