import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createTokenizer, tokenizerFromJSON } from '../tokenizers/create-tokenizer';
import { buildTokenFile, type TokenFileOptions } from './build-token-file';
import { readSlices } from './byte-source';
import { readCorpus } from './read-corpus';
import type { TokenFile } from './token-file';

const folder = mkdtempSync(join(tmpdir(), 'millrace-data-'));
const path = join(folder, 'tokens.bin');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The bytes of `body` in chunks of `chunkBytes`. */
async function* chunks(body: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < body.length; start += chunkBytes) yield body.subarray(start, start + chunkBytes);
}

function build(
  body: string | Uint8Array,
  options: Partial<TokenFileOptions> & { chunkBytes?: number } = {},
): Promise<TokenFile> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return buildTokenFile({
    source: chunks(bytes, options.chunkBytes ?? 65_536),
    contentType: 'text/plain',
    tokenizer: 'byte',
    path,
    ...options,
  });
}

function storedIds(built: TokenFile): number[] {
  const bytes = Uint8Array.from(readFileSync(path));
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(built.sha256);
  expect(bytes.length).toBe(built.bytes);
  return [...(built.dtype === 'u16' ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer))];
}

async function expectRefused(built: Promise<unknown>, code: string, message?: RegExp): Promise<void> {
  const error: unknown = await built.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'AppError', code });
  if (message !== undefined) expect((error as Error).message).toMatch(message);
  expect(readdirSync(folder).filter((name) => name !== 'tokens.bin')).toEqual([]);
}

describe.each(['byte', 'char', 'gpt2'])('a text for %s', (tokenizer) => {
  it('becomes the ids of the whole text however it is chunked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 40 }),
        async (text, chunkBytes) => {
          const built = await build(text, { tokenizer, chunkBytes });
          const expected = createTokenizer(tokenizer, text);
          expect(storedIds(built)).toEqual([...expected.encode(text)]);
          expect(built).toMatchObject({ vocab: expected.vocab, tokens: expected.encode(text).length });
          expect(tokenizerFromJSON(built.tokenizer).decode(storedIds(built))).toBe(text);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps documents of NDJSON apart', async () => {
    const body = '{"text":"one\\u0000"}\r\n\n"two"\n{"id":7,"text":""}\n{"text":"\\ud83d\\ude00"}';
    const built = await build(body, { tokenizer, contentType: 'application/x-ndjson', chunkBytes: 5 });
    const separator = tokenizer === 'gpt2' ? '<|endoftext|>' : '\n';
    expect(tokenizerFromJSON(built.tokenizer).decode(storedIds(built))).toBe(
      `one\0${separator}two${separator}\u{1f600}`,
    );
  });
});

it('stores a text larger than every buffer', async () => {
  const text = 'Call me Ishmael. Some years ago, ünd so weiter.\n'.repeat(60_000);
  const built = await buildTokenFile({
    source: Readable.from([Buffer.from(text)]),
    contentType: 'text/plain; charset=UTF-8',
    tokenizer: 'char',
    path,
  });
  expect(built.tokens).toBe(text.length);
  expect(built.vocab).toBe(new Set(text).size);
  expect(tokenizerFromJSON(built.tokenizer).decode(storedIds(built).slice(-100))).toBe(text.slice(-100));
});

it.each([
  ['a text', 'text/plain', 'Call me Ishmael.\n'.repeat(40_000), 1],
  // A line is read slice by slice, and then its document piece by piece.
  ['a document', 'application/x-ndjson', JSON.stringify('Call me Ishmael.\n'.repeat(40_000)), 2],
] as const)('leaves others a turn of the event loop every few kilobytes of %s', async (_, type, body, times) => {
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  // Nothing here waits for a disk or a socket, which would leave turns as well.
  let pieces = 0;
  for await (const { text } of readCorpus(readSlices(chunks(Buffer.from(body), body.length), body.length), type)) {
    pieces++;
    expect(text.length).toBeLessThanOrEqual(10_000);
  }
  counting = false;
  expect(turns).toBeGreaterThanOrEqual(times * (pieces - 1));
});

it('refuses a line whose values would take the parser long', async () => {
  const line = (count: number): string =>
    JSON.stringify({ text: 'a, [b] {c}'.repeat(20_000), ids: Array(count).fill(1) });
  const ndjson = { contentType: 'application/x-ndjson' };
  expect((await build(line(49_000), ndjson)).tokens).toBe(200_000);
  await expectRefused(build(line(50_001), ndjson), 'DATA.LINE_INVALID', /line 1: it has more than 50000 values/);
});

it('stores 4-byte ids when the vocabulary needs them', async () => {
  let text = '';
  for (let codePoint = 0x10000; text.length < 2 * 66_000; codePoint++) text += String.fromCodePoint(codePoint);
  const built = await build(text, { tokenizer: 'char' });
  expect(built).toMatchObject({ dtype: 'u32', vocab: 66_000, tokens: 66_000, bytes: 264_000 });
  expect(storedIds(built).at(-1)).toBe(65_999);
});

describe('uploaded tokens', () => {
  const options = { contentType: 'application/x-tokens-u16', tokenizer: undefined };

  it('are copied, with the largest id + 1 as vocabulary', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint16Array({ minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 9 }),
        async (ids, chunkBytes) => {
          const built = await build(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength), {
            ...options,
            chunkBytes,
          });
          expect(storedIds(built)).toEqual([...ids]);
          expect(built).toMatchObject({
            vocab: Math.max(...ids) + 1,
            dtype: 'u16',
            tokenizer: { name: 'tokens', vocab: Math.max(...ids) + 1 },
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are refused with an odd number of bytes, empty, or with a tokenizer', async () => {
    await expectRefused(build(Uint8Array.of(1, 2, 3), options), 'DATA.TOKEN_BYTES_ODD', /3 bytes/);
    await expectRefused(build('', options), 'DATA.TEXT_EMPTY');
    await expectRefused(build('ab', { ...options, tokenizer: 'byte' }), 'DATA.TOKENIZER_NOT_TAKEN');
  });
});

describe('a refused upload leaves nothing behind and says why', () => {
  it.each(['byte', 'char', 'gpt2'])('for %s', async (tokenizer) => {
    const ndjson = { tokenizer, contentType: 'application/x-ndjson' };
    await expectRefused(build('', { tokenizer }), 'DATA.TEXT_EMPTY');
    await expectRefused(build('\n\n{"text":""}\n', ndjson), 'DATA.TEXT_EMPTY');
    await expectRefused(
      build(Uint8Array.of(97, 0xc3, 0xa9, 0xff, 98), { tokenizer, chunkBytes: 1 }),
      'DATA.TEXT_NOT_UTF8',
      /byte 3/,
    );
    await expectRefused(build(Uint8Array.of(97, 0xe2, 0x82), { tokenizer }), 'DATA.TEXT_NOT_UTF8', /byte 1/);
    await expectRefused(
      build('"fine"\n{"text":3}\n', ndjson),
      'DATA.LINE_INVALID',
      /line 2: an object|line 2: it holds an object whose "text"/,
    );
    await expectRefused(build('"fine"\n\n{"text":', ndjson), 'DATA.LINE_INVALID', /line 3: it is not JSON/);
    await expectRefused(build('"\\ud800"', ndjson), 'DATA.LINE_INVALID', /line 1: .*surrogate/);
    await expectRefused(
      build(Uint8Array.of(0x22, 0xff, 0x22), ndjson),
      'DATA.LINE_INVALID',
      /line 1: it is not valid UTF-8/,
    );
  });

  it('for an unknown tokenizer, type or charset', async () => {
    await expectRefused(build('a', { tokenizer: 'bpe' }), 'DATA.TOKENIZER_UNKNOWN');
    await expectRefused(build('a', { tokenizer: undefined }), 'DATA.TOKENIZER_MISSING');
    await expectRefused(build('a', { contentType: 'text/html' }), 'DATA.CONTENT_TYPE_UNKNOWN');
    await expectRefused(build('a', { contentType: 'text/plain; charset=latin1' }), 'DATA.CONTENT_TYPE_UNKNOWN');
  });

  it('for a body that is too large or breaks off, whose stream stays open for the answer', async () => {
    await expectRefused(build('0123456789', { bytesMax: 9, chunkBytes: 4 }), 'DATA.UPLOAD_TOO_LARGE', /9 bytes/);
    const broken = new Readable({ read: () => undefined });
    broken.push('text');
    setImmediate(() => broken.destroy(new Error('socket hang up')));
    await expectRefused(
      buildTokenFile({ source: broken, contentType: 'text/plain', tokenizer: 'char', path }),
      'DATA.UPLOAD_BROKEN',
    );
    const refused = Readable.from([Buffer.from([0xff]), Buffer.from('more'), Buffer.from('and more')]);
    await expectRefused(
      buildTokenFile({ source: refused, contentType: 'text/plain', tokenizer: 'byte', path }),
      'DATA.TEXT_NOT_UTF8',
    );
    expect(refused.destroyed).toBe(false);
  });

  it('for a folder that does not exist', async () => {
    const elsewhere = join(folder, 'missing', 'tokens.bin');
    for (const tokenizer of ['byte', 'char'])
      await expectRefused(build('a', { tokenizer, path: elsewhere }), 'DATA.STORAGE_FAILED');
  });
});
