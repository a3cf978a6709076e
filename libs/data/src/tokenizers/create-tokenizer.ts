import { textEmpty, tokenizerInvalid, tokenizerUnknown } from '../data.errors';
import { ByteTokenizer } from './byte-tokenizer';
import { CharTokenizer } from './char-tokenizer';
import { Gpt2Tokenizer } from './gpt2-tokenizer';
import { type Tokenizer, U16_VOCAB_MAX } from './tokenizer';
import { TokensTokenizer } from './tokens-tokenizer';

const CODE_POINT_MAX = 0x10ffff;

/**
 * A tokenizer by name; `text` is the corpus that char takes its vocabulary from. Errors: DATA.TOKENIZER_UNKNOWN,
 * DATA.TEXT_EMPTY.
 */
export function createTokenizer(name: string, text?: string): Tokenizer {
  switch (name) {
    case 'byte':
      return new ByteTokenizer();
    case 'gpt2':
      return new Gpt2Tokenizer();
    case 'char':
      if (text === undefined) throw textEmpty();
      return CharTokenizer.fromText(text);
    default:
      throw tokenizerUnknown(name);
  }
}

/** Undoes `toJSON`. Error: DATA.TOKENIZER_INVALID. */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  if (typeof json !== 'object' || json === null) throw tokenizerInvalid('it is not an object');
  const { name, codePoints, vocab } = json as Record<string, unknown>;
  if (name === 'byte') return new ByteTokenizer();
  if (name === 'gpt2') return new Gpt2Tokenizer();
  if (name === 'char') return new CharTokenizer(checkedCodePoints(codePoints));
  if (name !== 'tokens') throw tokenizerInvalid(`its name is ${JSON.stringify(name)}`);
  if (!isIntegerIn(vocab, 1, U16_VOCAB_MAX)) throw tokenizerInvalid(`its vocab is ${JSON.stringify(vocab)}`);
  return new TokensTokenizer(vocab);
}

function checkedCodePoints(value: unknown): number[] {
  if (!Array.isArray(value) || value.length === 0) throw tokenizerInvalid('codePoints is not a list');
  let previous = -1;
  for (const codePoint of value as unknown[]) {
    if (!isIntegerIn(codePoint, previous + 1, CODE_POINT_MAX)) {
      throw tokenizerInvalid(`codePoints is not ascending at ${JSON.stringify(codePoint)}`);
    }
    previous = codePoint;
  }
  return value as number[];
}

function isIntegerIn(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
