import fc from 'fast-check';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NvidiaSmiReport } from '.';
import { NvidiaSmiParseError, parseNvidiaSmi } from '.';

const FIXTURES = join(__dirname, '../fixtures');
const load = (folder: string): Buffer[] =>
  readdirSync(join(FIXTURES, folder))
    .filter((name) => name.endsWith(`.${folder}`) && name !== 'powershell.xml')
    .sort()
    .map((name) => readFileSync(join(FIXTURES, folder, name)));
const XML = load('xml');
const CSV = load('csv');
const SEED = { seed: 20260303, verbose: true };

/** The report, or null for the typed error; any other exception fails the test. */
function parse(input: Uint8Array | string): NvidiaSmiReport | null {
  try {
    return parseNvidiaSmi(input);
  } catch (error) {
    if (error instanceof NvidiaSmiParseError) return null;
    throw error;
  }
}

/** Every leaf of a report by its path. */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, `${path}/${key}`));
}

/** Numbers that stand in the text as a whole: `26.78` holds no 26 and no 78, `12` neither 1 nor 2. */
function numeralsIn(text: string): Set<number> {
  return new Set(
    [...text.matchAll(/-?\d+(?:\.\d+)?/g)].flatMap(([numeral]) => [Number(numeral), Math.abs(Number(numeral))]),
  );
}

interface Edit {
  at: number;
  length: number;
  insert: Uint8Array;
}

const SNIPPETS = [
  '<',
  '>',
  '&',
  '&amp;',
  '&#0;',
  '</gpu>',
  '<gpu>',
  '<mig_device>',
  'N/A',
  ', ',
  '\n',
  '"',
  ']]>',
  '<!--',
  '0',
  '-',
  '.',
  ' MiB',
  '<![CDATA[',
  '\0',
  '%',
];
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(400) }),
  insert: fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.constantFrom(...SNIPPETS).map((snippet) => new TextEncoder().encode(snippet)),
  ),
});

function applied(original: Buffer, edits: readonly Edit[]): Buffer {
  let bytes = original;
  for (const { at, length, insert } of edits) {
    const start = Math.floor(at * bytes.length);
    bytes = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + length)]);
  }
  return bytes;
}

describe('mutated output', () => {
  it.each([
    ['XML', XML, 2500],
    ['CSV', CSV, 4000],
  ])('%s gives the typed error, or numbers that stand in it', (_, originals, numRuns) => {
    let readCount = 0;
    fc.assert(
      fc.property(fc.constantFrom(...originals), fc.array(edit, { minLength: 1, maxLength: 4 }), (original, edits) => {
        const bytes = applied(original, edits);
        const report = parse(bytes);
        if (report === null) return;
        readCount++;
        const numerals = numeralsIn(new TextDecoder().decode(bytes));
        for (const [path, value] of leaves(report)) {
          if (typeof value === 'number') expect(numerals, path).toContain(value);
        }
      }),
      { ...SEED, numRuns },
    );
    // The property would hold of a parser that refuses everything.
    expect(readCount).toBeGreaterThan(numRuns / 20);
  });

  it('random text and bytes give the typed error', () => {
    const anything = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 200 }));
    fc.assert(
      fc.property(anything, (input) => {
        expect(parse(input)).toBeNull();
      }),
      { ...SEED, numRuns: 2000 },
    );
  });
});

describe('truncated output', () => {
  it('XML is refused wherever it is cut', () => {
    const closing = '</nvidia_smi_log>';
    for (const original of XML) {
      const end = original.indexOf(closing);
      for (let length = 0; length < (end < 0 ? original.length : end + closing.length); length += 11)
        expect(parse(original.subarray(0, length))).toBeNull();
    }
  });

  it('CSV says what the whole says, or null', () => {
    for (const original of CSV) {
      const whole = new Map(leaves(parse(original)));
      for (let length = 0; length < original.length; length++) {
        const report = parse(original.subarray(0, length));
        for (const [path, value] of report === null ? [] : leaves(report.gpus, '/gpus'))
          if (value !== null) expect(value, `${path} at ${length}`).toBe(whole.get(path));
      }
    }
  });
});

describe('one value spoilt', () => {
  const garbage = fc.constantFrom(
    'N/A',
    '[Not Supported]',
    '[Unknown Error]',
    '',
    '12,5 W',
    '3 parsec',
    'ERR!',
    '1 2',
    '0x7',
    '٣ MiB',
    '--1 %',
  );

  it('leaves the other values as they were', () => {
    const texts = XML.map((bytes) => bytes.toString('utf8')).filter((text) => text.includes('</nvidia_smi_log>'));
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.double({ min: 0, max: 1, noNaN: true }), garbage, (text, at, word) => {
        const values = [...text.matchAll(/>([^<>\n]*\d[^<>\n]*)</g)];
        const chosen = values[Math.floor(at * (values.length - 1))];
        if (chosen === undefined) return;
        const start = chosen.index + 1;
        const spoilt = parse(text.slice(0, start) + word + text.slice(start + (chosen[1]?.length ?? 0)));
        const before = new Map(leaves(parse(text)));
        const changed = leaves(spoilt).filter(([path, value]) => value !== before.get(path));
        expect(changed.length).toBeLessThanOrEqual(1);
        for (const [path, value] of changed)
          expect([path, typeof value === 'number' ? value : null]).toEqual([path, null]);
      }),
      { ...SEED, numRuns: 400 },
    );
  });
});
