import fc from 'fast-check';
import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { describe, expect, it } from 'vitest';
import { createTokenizer, tokenizerFromJSON } from './create-tokenizer';
import { encodeInTurns } from './encode-in-turns';
import { PIECE_UNITS_MAX } from './gpt2-split';
import type { Tokenizer } from './tokenizer';
import { WHITE_SPACE } from './white-space';

const text = fc.string({ unit: 'binary', maxLength: 200 });
/** Texts in which piece boundaries of every kind meet. */
const prose = fc
  .array(
    fc.constantFrom(
      ' ',
      '\n',
      "'",
      's',
      'll',
      'word',
      '12',
      '!?',
      '\u{1f600}',
      'é',
      '\t ',
      '\ufeff',
      '\n\n',
      '   ',
      '日本',
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));

function expectCode(action: () => unknown, code: string): void {
  expect(action).toThrowError(expect.objectContaining({ code }) as Error);
}

describe.each(['byte', 'char', 'gpt2'])('%s tokenizer', (name) => {
  it('decodes what it encoded, also after a trip through JSON', () => {
    fc.assert(
      fc.property(fc.oneof(text, prose), (sample) => {
        const tokenizer = createTokenizer(name, `${sample}x`);
        const again = tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));
        const ids = tokenizer.encode(sample);
        expect(tokenizer.decode(ids)).toBe(sample);
        expect(again.vocab).toBe(tokenizer.vocab);
        expect([...again.encode(sample)]).toEqual([...ids]);
        expect(Math.max(-1, ...ids)).toBeLessThan(tokenizer.vocab);
      }),
      { numRuns: 200 },
    );
  });

  it('gives the same ids wherever a stream of the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, prose), { maxLength: 12 }), (pieces) => {
        const whole = pieces.join('');
        const tokenizer = createTokenizer(name, `${whole}x`);
        expect(encodeInPieces(tokenizer, pieces)).toEqual([...tokenizer.encode(whole)]);
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same ids in turns', async () => {
    const long = 'Straße \u{1f600} naïveté, 日本語 of the sea\n'.repeat(700);
    const tokenizer = createTokenizer(name, long);
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns++;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    expect(await encodeInTurns(tokenizer, long)).toEqual([...tokenizer.encode(long)]);
    counting = false;
    if (name === 'gpt2') expect(turns).toBeGreaterThanOrEqual(long.length / 10_000);
    await expect(encodeInTurns(tokenizer, `${long}\ud800`)).rejects.toThrow(/surrogate|U\+D800/);
  });

  it('refuses half a surrogate pair', () => {
    expect(() => createTokenizer(name, 'abc').encode('a\ud800')).toThrowError(/surrogate|U\+D800/);
  });

  it('reads an id that means nothing as U+FFFD', () => {
    expect(createTokenizer(name, 'abc').decode([60_000])).toBe('\ufffd');
  });
});

function encodeInPieces(tokenizer: Tokenizer, pieces: readonly string[]): number[] {
  const encoder = tokenizer.createEncoder();
  return [...pieces.flatMap((piece) => [...encoder.push(piece)]), ...encoder.finish()];
}

describe('char tokenizer', () => {
  it('numbers the distinct code points in ascending order', () => {
    const tokenizer = createTokenizer('char', 'banana \u{1f600}Z');
    expect(tokenizer.vocab).toBe(6);
    expect(tokenizer.decode([0, 1, 2, 3, 4, 5])).toBe(' Zabn\u{1f600}');
    expect([...tokenizer.encode('ban\u{1f600}')]).toEqual([3, 2, 4, 5]);
  });

  it('names a character that its text does not have', () => {
    const tokenizer = createTokenizer('char', 'abc');
    expect(() => tokenizer.encode('ab\u{1f600}')).toThrowError(/U\+1F600\) at position 2 is not among the 3/);
    expectCode(() => tokenizer.encode('é'), 'DATA.CHARACTER_UNKNOWN');
  });

  it('uses u32 beyond 65,536 characters', () => {
    let everything = '';
    for (let codePoint = 0x10000; everything.length < 2 * 70_000; codePoint++)
      everything += String.fromCodePoint(codePoint);
    const tokenizer = createTokenizer('char', everything);
    expect(tokenizer.encode(everything)).toBeInstanceOf(Uint32Array);
    expect(tokenizer.encode(everything).at(-1)).toBe(69_999);
  });
});

describe('gpt2 tokenizer', () => {
  const gpt2 = createTokenizer('gpt2');

  it('gives the ids of the published vocabulary', () => {
    expect([...gpt2.encode('Hello world')]).toEqual([15496, 995]);
    expect([...gpt2.encode("It's 2024,  isn't it?\n")]).toEqual(referenceEncode("It's 2024,  isn't it?\n"));
    expect(gpt2.vocab).toBe(50_257);
  });

  it('agrees with a merge loop written from the paper', () => {
    fc.assert(
      fc.property(fc.oneof(text, prose), (sample) => {
        expect([...gpt2.encode(sample)]).toEqual(referenceEncode(sample));
      }),
      { numRuns: 200 },
    );
  });

  it('takes <|endoftext|> in a text as text', () => {
    expect([...gpt2.encode('<|endoftext|>')]).not.toContain(50_256);
    expect(gpt2.decode([...gpt2.documentSeparator])).toBe('<|endoftext|>');
  });

  it('splits at white space as tiktoken does: U+0085 is some, U+FEFF is none', () => {
    const whiteSpace = new RegExp(`^[${WHITE_SPACE}]$`);
    for (let unit = 0; unit < 2 ** 16; unit++) {
      const character = String.fromCharCode(unit);
      expect(whiteSpace.test(character)).toBe(/^\p{White_Space}$/u.test(character));
    }
    for (const sample of [
      'a\u0085 b',
      'a\ufeff b',
      ' \ufeff\ufeff ',
      '\u0085\u0085x',
      'x \u0085y',
      '\ufeffHello',
      '1 \ufeff2',
      '\n\u0085\n',
    ])
      expect([...gpt2.encode(sample)], JSON.stringify(sample)).toEqual(referenceEncode(sample));
  });

  it('decodes half a character without remembering it', () => {
    const [first = 0, ...rest] = gpt2.encode('\u{1f9ff}');
    expect(rest.length).toBeGreaterThan(0);
    expect(gpt2.decode([first])).toBe('\ufffd');
    expect(gpt2.decode(gpt2.encode('plain'))).toBe('plain');
  });

  it('cuts runs without a boundary at the same places however they arrive', () => {
    const runs = [
      'a'.repeat(5000),
      ' '.repeat(3001),
      '-'.repeat(PIECE_UNITS_MAX),
      ' ',
      '\u{1f600}'.repeat(1500),
      "'s",
      ' x '.repeat(900),
    ];
    const whole = runs.join('');
    const expected = [...gpt2.encode(whole)];
    expect(gpt2.decode(expected)).toBe(whole);
    for (const size of [1, 7, 1000, 1024, 1025, 4096]) {
      const codePoints = [...whole];
      const pieces = Array.from({ length: Math.ceil(codePoints.length / size) }, (_, i) =>
        codePoints.slice(i * size, (i + 1) * size).join(''),
      );
      expect(encodeInPieces(gpt2, pieces), `pieces of ${size}`).toEqual(expected);
    }
  });
});

const rankOf = new Map(ranks.map((value, rank) => [Buffer.from(value as string).toString('latin1'), rank]));

/** As tiktoken writes it, with \s and \S as Rust means them. */
const REFERENCE_PIECE = new RegExp(
  String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s`
    .replaceAll('++', '+')
    .replaceAll(String.raw`[^\s`, String.raw`[^\p{White_Space}`)
    .replaceAll(String.raw`\s`, String.raw`\p{White_Space}`)
    .replaceAll(String.raw`\S`, String.raw`\P{White_Space}`),
  'gu',
);

/**
 * Byte-pair encoding as in Radford et al. 2019: in every piece, merge the pair of lowest rank until none is left.
 */
function referenceEncode(sample: string): number[] {
  const pieces = sample.match(REFERENCE_PIECE) ?? [];
  return pieces.flatMap((piece) => {
    const parts = [...Buffer.from(piece).toString('latin1')];
    for (;;) {
      const pairRanks = parts.slice(1).map((part, index) => rankOf.get((parts[index] ?? '') + part) ?? Infinity);
      const lowest = Math.min(Infinity, ...pairRanks);
      if (lowest === Infinity) return parts.map((part) => rankOf.get(part) ?? -1);
      const index = pairRanks.indexOf(lowest);
      parts.splice(index, 2, (parts[index] ?? '') + (parts[index + 1] ?? ''));
    }
  });
}

describe('createTokenizer and tokenizerFromJSON', () => {
  it('refuse what they do not know', () => {
    expectCode(() => createTokenizer('bpe'), 'DATA.TOKENIZER_UNKNOWN');
    expectCode(() => createTokenizer('char', ''), 'DATA.TEXT_EMPTY');
    for (const json of [
      null,
      {},
      { name: 'char' },
      { name: 'char', codePoints: [98, 97] },
      { name: 'tokens', vocab: 0 },
    ]) {
      expectCode(() => tokenizerFromJSON(json), 'DATA.TOKENIZER_INVALID');
    }
  });

  it('keep the vocabulary of uploaded tokens, which have no text', () => {
    const tokenizer = tokenizerFromJSON({ name: 'tokens', vocab: 96 });
    expect(tokenizer.vocab).toBe(96);
    expectCode(() => tokenizer.encode('a'), 'DATA.TOKENIZER_HAS_NO_TEXT');
    expectCode(() => tokenizer.decode([1]), 'DATA.TOKENIZER_HAS_NO_TEXT');
  });
});
