import { createRequire } from 'node:module';
import type { BytePairEncodingCore } from 'gpt-tokenizer/BytePairEncodingCore';
import type { IncrementalEncoder, Tokenizer, TokenizerJson } from './tokenizer';
import { encodableParts, GPT2_PIECE, stablePrefixLength } from './gpt2-split';
import { assertWellFormed } from './half-surrogate-index';

const END_OF_TEXT = 50_256;
const VOCAB = 50_257;
/** How many merged pieces the encoder remembers. Pieces are short (PIECE_UNITS_MAX), so that this bounds its memory. */
const MERGE_CACHE_ENTRIES = 20_000;
const END_OF_TEXT_MARK = '<|endoftext|>';
/** In a corpus the mark is ordinary text; only the document separator has the special id. */
const NO_MARKS = new Set<string>();

type Ranks = typeof import('gpt-tokenizer/bpeRanks/r50k_base').default;

interface Tables {
  readonly core: BytePairEncodingCore;
  readonly ranks: Ranks;
}

let sharedTables: Tables | undefined;

/**
 * Loads and builds the tables at first use. They take about 140 ms and some 20 MB, which users of other tokenizers, and
 * threads that only read tokens, should not pay for.
 */
function tables(): Tables {
  if (sharedTables === undefined) {
    const load = createRequire(__filename);
    const ranks = (load('gpt-tokenizer/bpeRanks/r50k_base') as { default: Ranks }).default;
    const { BytePairEncodingCore: Core } = load(
      'gpt-tokenizer/BytePairEncodingCore',
    ) as typeof import('gpt-tokenizer/BytePairEncodingCore');
    const core = new Core({
      bytePairRankDecoder: ranks,
      specialTokensEncoder: new Map([[END_OF_TEXT_MARK, END_OF_TEXT]]),
      // The package's own pattern uses JavaScript's definition of white space.
      tokenSplitRegex: new RegExp(GPT2_PIECE, 'gu'),
      mergeCacheSize: MERGE_CACHE_ENTRIES,
    });
    sharedTables = { core, ranks };
  }
  return sharedTables;
}

/** GPT-2's byte-pair encoding (r50k_base), Radford et al. 2019, section 2.2; vocabulary 50,257. */
export class Gpt2Tokenizer implements Tokenizer {
  readonly name = 'gpt2';
  readonly vocab = VOCAB;
  readonly documentSeparator = Uint16Array.of(END_OF_TEXT);

  encode(text: string): Uint16Array {
    assertWellFormed(text);
    const ids: number[] = [];
    for (const part of encodableParts(text)) {
      for (const id of tables().core.encodeNative(part, NO_MARKS)) ids.push(id);
    }
    return Uint16Array.from(ids);
  }

  decode(ids: ArrayLike<number>): string {
    // The package's own decode keeps half a character for the next call, so that the bytes are joined here.
    const bytes = Buffer.concat(Array.from(ids, bytesOfId));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  createEncoder(): IncrementalEncoder {
    let pending = '';
    return {
      push: (text) => {
        pending += text;
        const length = stablePrefixLength(pending);
        const ready = pending.slice(0, length);
        pending = pending.slice(length);
        return this.encode(ready);
      },
      finish: () => {
        const rest = pending;
        pending = '';
        return this.encode(rest);
      },
    };
  }

  toJSON(): TokenizerJson {
    return { name: this.name };
  }
}

function bytesOfId(id: number): Buffer {
  if (id === END_OF_TEXT) return Buffer.from(END_OF_TEXT_MARK);
  const value = tables().ranks[id] ?? '\ufffd';
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value);
}
