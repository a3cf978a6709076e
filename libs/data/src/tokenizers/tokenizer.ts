/** So many ids are numbers of 16 bits. */
export const U16_VOCAB_MAX = 65_536;

/** Token ids in the narrowest type that holds the vocabulary. */
export type TokenIds = Uint16Array | Uint32Array;

export type TokenizerName = 'byte' | 'char' | 'gpt2' | 'tokens';

/**
 * What a dataset's row stores about its tokenizer. Code points are numbers, because JSONB refuses U+0000 in strings.
 */
export type TokenizerJson =
  | { readonly name: 'byte' }
  | { readonly name: 'char'; readonly codePoints: readonly number[] }
  | { readonly name: 'gpt2' }
  | { readonly name: 'tokens'; readonly vocab: number };

/** Encodes a text that arrives in pieces; the ids do not depend on where the pieces were cut. */
export interface IncrementalEncoder {
  /** Returns the ids that are certain by now. A piece must not end inside a surrogate pair. */
  push(text: string): TokenIds;
  /** Returns the remaining ids of this text; the encoder is then ready for another text. */
  finish(): TokenIds;
}

export interface Tokenizer {
  readonly name: TokenizerName;
  /** Number of ids: every id is below it. */
  readonly vocab: number;
  /** The text between two documents of a corpus, as ids; [] if the text is one document. */
  readonly documentSeparator: TokenIds;
  /** Throws DATA.CHARACTER_UNKNOWN (char), DATA.TEXT_MALFORMED (half a surrogate pair), DATA.TOKENIZER_HAS_NO_TEXT. */
  encode(text: string): TokenIds;
  /** Never fails: an id or byte sequence without a meaning reads as U+FFFD, since a model may emit anything. */
  decode(ids: ArrayLike<number>): string;
  createEncoder(): IncrementalEncoder;
  toJSON(): TokenizerJson;
}
