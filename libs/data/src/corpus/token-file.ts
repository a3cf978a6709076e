import type { TokenizerJson } from '../tokenizers/tokenizer';

/** How ids lie in a token file: one after the other, little-endian, no header. */
export type TokenDType = 'u16' | 'u32';

export const TOKEN_BYTES = { u16: 2, u32: 4 } as const satisfies Record<TokenDType, number>;

export interface TokenFileSummary {
  readonly tokens: number;
  readonly bytes: number;
  /** The hash of the file's bytes in lower-case hexadecimal, which is its address. */
  readonly sha256: string;
}

export interface TokenFile extends TokenFileSummary {
  /** Every id is less than this. */
  readonly vocab: number;
  /** u16 unless the vocabulary has more than 65,536 ids. */
  readonly dtype: TokenDType;
  readonly tokenizer: TokenizerJson;
}
