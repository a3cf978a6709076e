import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@millrace/core';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { halfToNumber } from './float-conversion';
import { SAFETENSORS_DTYPE_BYTES, type SafetensorsDType } from './header';
import { fileAccess, memoryAccess } from './random-access';
import { SafetensorsFile } from './safetensors-file';
import { safetensorsBytes, type TensorToWrite, writeSafetensors } from './write-safetensors';

const folder = mkdtempSync(join(tmpdir(), 'millrace-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every code that reading may end with. */
const READ_CODES = [
  'FILE_TRUNCATED',
  'FILE_TRAILING',
  'HEADER_TOO_LONG',
  'HEADER_INVALID',
  'TENSOR_DUPLICATE',
  'DTYPE_UNKNOWN',
  'SHAPE_BYTES_MISMATCH',
  'OFFSETS_OVERLAP',
  'OFFSETS_HOLE',
  'OFFSETS_OUT_OF_RANGE',
  'DTYPE_UNSUPPORTED',
].map((code) => `CHECKPOINT.${code}`);

async function encode(tensors: readonly TensorToWrite[], metadata?: Record<string, string>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await writeSafetensors(tensors, async (bytes) => void parts.push(bytes.slice()), metadata);
  return Buffer.concat(parts);
}

/** A file with this header text and data, valid or not. */
function raw(header: string | object, data: Uint8Array = new Uint8Array(0)): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json, data]);
}

function tensor(dtype: string, shape: unknown, begin: number, end: number): object {
  return { dtype, shape, data_offsets: [begin, end] };
}

const open = (bytes: Uint8Array): Promise<SafetensorsFile> => SafetensorsFile.open(memoryAccess(bytes));

async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

const dtypes = Object.keys(SAFETENSORS_DTYPE_BYTES) as SafetensorsDType[];
const tensors = fc
  .uniqueArray(
    fc
      .record({
        name: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', '0', '1', 'a"b', 'h.0.bias')),
        dtype: fc.constantFrom(...dtypes),
        shape: fc.array(fc.nat(4), { maxLength: 3 }),
      })
      .filter(({ name }) => name !== '__metadata__'),
    { selector: ({ name }) => name, maxLength: 6 },
  )
  .chain((entries) =>
    fc.tuple(
      ...entries.map((entry) => {
        const bytes = entry.shape.reduce((product, size) => product * size, SAFETENSORS_DTYPE_BYTES[entry.dtype]);
        return fc
          .uint8Array({ minLength: bytes, maxLength: bytes })
          .map((content) => ({ ...entry, content, read: async () => content }));
      }),
    ),
  );
const metadata = fc.option(fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }), {
  nil: undefined,
});

describe('safetensors', () => {
  it('reads back what it wrote, in memory and from a file', async () => {
    const path = join(folder, 'model.safetensors');
    await fc.assert(
      fc.asyncProperty(tensors, metadata, async (written, texts) => {
        const bytes = await encode(written, texts);
        expect(bytes.length).toBe(safetensorsBytes(written, texts));
        writeFileSync(path, bytes);
        const source = await fileAccess(path);
        for (const file of [await open(bytes), await SafetensorsFile.open(source)]) {
          expect(file.metadata).toEqual(texts ?? {});
          expect(file.entries.map(({ name }) => name).toSorted()).toEqual(written.map(({ name }) => name).toSorted());
          for (const { name, dtype, shape, content } of written) {
            expect(file.entry(name)).toMatchObject({ name, dtype, shape });
            expect(Buffer.compare(await file.readBytes(name), content)).toBe(0);
          }
        }
        await source.close();
      }),
      { numRuns: 60 },
    );
  });

  it('writes the layout of the format', async () => {
    const bytes = await encode(
      [{ name: 'w', dtype: 'F32', shape: [2], read: async () => new Uint8Array(Float32Array.of(1, 2).buffer) }],
      { format: 'pt' },
    );
    const header = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    expect(bytes.readBigUInt64LE(0)).toBe(88n);
    expect(bytes.toString('utf8', 8, 96)).toBe(header.padEnd(88));
    expect(bytes.readFloatLE(100)).toBe(2);
  });

  it('refuses to write a name twice or bytes that do not fill the shape', async () => {
    const one = { name: 'w', dtype: 'F32', shape: [2], read: async () => new Uint8Array(4) } as const;
    expect((await errorOf(encode([one, one]))).code).toBe('CHECKPOINT.TENSOR_DUPLICATE');
    expect(await errorOf(encode([one]))).toMatchObject({
      code: 'CHECKPOINT.SHAPE_BYTES_MISMATCH',
      details: { needed: 8, found: 4 },
    });
  });
});

describe('a damaged file', () => {
  it('ends in a documented error or reads the bytes that are there, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        tensors,
        metadata,
        fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('flip', 'header', 'cut', 'grow', 'drop'),
        async (written, texts, changes, damage) => {
          const bytes = damageFile(await encode(written, texts), changes, damage);
          try {
            const file = await open(bytes);
            const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
            let covered = 0;
            for (const { name, begin, end, shape, dtype } of file.entries) {
              expect(begin).toBe(covered);
              expect(shape.reduce((product, size) => product * size, SAFETENSORS_DTYPE_BYTES[dtype])).toBe(end - begin);
              expect(
                Buffer.compare(await file.readBytes(name), bytes.subarray(dataStart + begin, dataStart + end)),
              ).toBe(0);
              covered = end;
              await file
                .readFloat32(name)
                .catch((error: unknown) => expect(error).toMatchObject({ code: 'CHECKPOINT.DTYPE_UNSUPPORTED' }));
            }
            expect(dataStart + covered).toBe(bytes.length);
          } catch (error) {
            if (!(error instanceof AppError)) throw error;
            expect(READ_CODES).toContain(error.code);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('is refused wherever it is cut', async () => {
    const bytes = await encode([
      { name: 'a', dtype: 'F32', shape: [3], read: async () => new Uint8Array(12) },
      { name: 'b', dtype: 'F16', shape: [2, 2], read: async () => new Uint8Array(8) },
    ]);
    for (let length = 0; length < bytes.length; length++) {
      const { code } = await errorOf(open(bytes.subarray(0, length)));
      expect(['CHECKPOINT.FILE_TRUNCATED', 'CHECKPOINT.OFFSETS_OUT_OF_RANGE']).toContain(code);
    }
  });

  it('takes what the reference reader takes: metadata that is null, and further keys of a tensor', async () => {
    const file = await open(
      raw({ __metadata__: null, a: { ...tensor('F32', [1], 0, 4), extra: [1] } }, new Uint8Array(4)),
    );
    expect(file.metadata).toEqual({});
    expect(file.entry('a').shape).toEqual([1]);
  });

  const f32 = (begin: number, end: number): object => tensor('F32', [(end - begin) / 4], begin, end);
  it.each<[string, Buffer, string, RegExp]>([
    ['no file', Buffer.alloc(3), 'FILE_TRUNCATED', /8 bytes, but the file has 3/],
    [
      'a header length beyond the limit',
      Buffer.from('ffffffffffffffff', 'hex'),
      'HEADER_TOO_LONG',
      /18446744073709551615/,
    ],
    ['a header of 100 MB and a byte', Buffer.from('01e1f50500000000', 'hex'), 'HEADER_TOO_LONG', /100000001/],
    ['a header longer than the file', Buffer.from('ff00000000000000', 'hex'), 'FILE_TRUNCATED', /263/],
    ['no JSON', raw('{"a"'), 'HEADER_INVALID', /JSON/],
    ['a list', raw('[]'), 'HEADER_INVALID', /"\{"/],
    ['leading space', raw(' {}'), 'HEADER_INVALID', /"\{"/],
    ['a deep header', raw(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`), 'HEADER_INVALID', /200001 levels/],
    ['a string of megabytes', raw(`{"a":"${'\\"'.repeat(4_000_000)}"}`), 'HEADER_INVALID', /"a"/],
    ['bytes that are not UTF-8', raw('{"a":"\u0001"}'), 'HEADER_INVALID', /UTF-8/],
    ['metadata that is no object', raw({ __metadata__: [] }), 'HEADER_INVALID', /__metadata__/],
    ['metadata that is no text', raw({ __metadata__: { step: 3 } }), 'HEADER_INVALID', /"step"/],
    [
      'a name twice',
      raw('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061" :{}}'),
      'TENSOR_DUPLICATE',
      /"a"/,
    ],
    ['a key twice', raw('{"a":{"dtype":"U8","dtype":"U8"}}'), 'HEADER_INVALID', /"dtype" twice/],
    ['more tensors than are read', raw(`{${'"":{},'.repeat(16_385)}"":{}}`), 'HEADER_INVALID', /16386 tensors/],
    ['more values than are read', raw(`{"a":[${'0,'.repeat(262_144)}0]}`), 'HEADER_INVALID', /262146 values/],
    ['an unknown dtype', raw({ a: tensor('F33', [1], 0, 4) }), 'DTYPE_UNKNOWN', /"a".*"F33"/],
    ['a dtype of Object.prototype', raw({ a: tensor('toString', [1], 0, 4) }), 'DTYPE_UNKNOWN', /toString/],
    ['a negative size', raw({ a: tensor('F32', [-1], 0, 4) }), 'HEADER_INVALID', /shape/],
    ['a fraction as size', raw({ a: tensor('F32', [1.5], 0, 6) }), 'HEADER_INVALID', /shape/],
    ['offsets backwards', raw({ a: tensor('F32', [1], 4, 0) }), 'HEADER_INVALID', /before it begins/],
    [
      'three offsets',
      raw({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }),
      'HEADER_INVALID',
      /data_offsets/,
    ],
    [
      'a shape of other bytes',
      raw({ a: tensor('F32', [3], 0, 8) }, new Uint8Array(8)),
      'SHAPE_BYTES_MISMATCH',
      /"a".*\[3\] needs 12.*has 8/,
    ],
    ['a shape beyond 2^53', raw({ a: tensor('F64', [2 ** 40, 2 ** 40], 0, 0) }), 'SHAPE_BYTES_MISMATCH', /"a"/],
    [
      'an overlap',
      raw({ a: f32(0, 8), b: f32(4, 12) }, new Uint8Array(12)),
      'OFFSETS_OVERLAP',
      /"b" begins at 4.*\(8\)/,
    ],
    ['a hole', raw({ a: f32(0, 4), b: f32(8, 12) }, new Uint8Array(12)), 'OFFSETS_HOLE', /"b" begins at 8.*4/],
    ['a hole in front', raw({ a: f32(4, 8) }, new Uint8Array(8)), 'OFFSETS_HOLE', /"a" begins at 4.*0/],
    [
      'an end beyond the data',
      raw({ a: f32(0, 8) }, new Uint8Array(7)),
      'OFFSETS_OUT_OF_RANGE',
      /"a" ends at byte 8 of 7/,
    ],
    ['bytes after the last tensor', raw({ a: f32(0, 4) }, new Uint8Array(9)), 'FILE_TRAILING', /byte 4.*to 9/],
  ])('with %s is refused by name and number', async (_, bytes, code, message) => {
    if (code === 'HEADER_INVALID' && message.source === 'UTF-8') bytes[bytes.indexOf(1, 8)] = 0xff;
    const error = await errorOf(open(bytes));
    expect(error.code).toBe(`CHECKPOINT.${code}`);
    expect(error.message).toMatch(message);
  });

  it('names a tensor that is not there', async () => {
    const file = await open(raw('{}'));
    expect(() => file.entry('w')).toThrowError(expect.objectContaining({ code: 'CHECKPOINT.TENSOR_UNKNOWN' }) as Error);
  });
});

function damageFile(bytes: Buffer, changes: readonly { at: number; byte: number }[], damage: string): Buffer {
  const at = (changes[0]?.at ?? 0) % Math.max(1, bytes.length);
  if (damage === 'cut') return bytes.subarray(0, at);
  if (damage === 'grow')
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([changes[0]?.byte ?? 0]), bytes.subarray(at)]);
  if (damage === 'drop') return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
  const limit = damage === 'header' ? headerEnd : bytes.length;
  // Characters of JSON make damage that is still JSON more likely.
  for (const change of changes)
    bytes[change.at % limit] = damage === 'header' ? '0123456789[]{},:"F "'.charCodeAt(change.byte % 20) : change.byte;
  return bytes;
}

describe('reading as f32', () => {
  async function read(dtype: SafetensorsDType, content: Uint8Array, count: number): Promise<number[]> {
    const bytes = await encode([
      { name: 'odd', dtype: 'U8', shape: [1], read: async () => Uint8Array.of(7) },
      { name: 'w', dtype, shape: [count], read: async () => content },
    ]);
    return [...(await (await open(bytes)).readFloat32('w'))];
  }

  it('takes F32 as it is and rounds F64, at any alignment', async () => {
    const values = [0.1, -1e30, 3];
    expect(await read('F32', new Uint8Array(Float32Array.from(values).buffer), 3)).toEqual(values.map(Math.fround));
    expect(await read('F64', new Uint8Array(Float64Array.from(values).buffer), 3)).toEqual(values.map(Math.fround));
  });

  it('widens BF16 and F16 exactly', async () => {
    expect(await read('BF16', new Uint8Array(Uint16Array.of(0x3f80, 0xc049, 0x0001, 0x7f80).buffer), 4)).toEqual([
      1,
      -3.140625,
      2 ** -133,
      Infinity,
    ]);
    expect(await read('F16', new Uint8Array(Uint16Array.of(0x3c00, 0xc248, 0x0001, 0x7bff, 0xfc00).buffer), 5)).toEqual(
      [1, -3.140625, 2 ** -24, 65504, -Infinity],
    );
    expect(halfToNumber(0x7e00)).toBeNaN();
    expect(halfToNumber(0x8000)).toBe(-0);
  });

  it('converts a tensor larger than one chunk', async () => {
    const values = Float64Array.from({ length: 600_001 }, (_, index) => index / 3);
    const found = await read('F64', new Uint8Array(values.buffer), values.length);
    expect(found.every((value, index) => value === Math.fround(index / 3))).toBe(true);
  });

  it('refuses integers', async () => {
    expect(await errorOf(read('I64', new Uint8Array(8), 1))).toMatchObject({
      code: 'CHECKPOINT.DTYPE_UNSUPPORTED',
      details: { name: 'w', dtype: 'I64' },
    });
  });
});
