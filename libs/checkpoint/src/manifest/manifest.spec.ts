import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json';
import type { Manifest } from './manifest';
import { manifestBytes, manifestDigest, parseManifest } from './parse-manifest';

const block = (digit: string, bytes: number): { sha256: string; bytes: number } => ({
  sha256: digit.repeat(64),
  bytes,
});
const manifest: Manifest = {
  version: 1,
  runId: 'run_1',
  step: 20,
  model: { family: 'gpt2', layers: 1, heads: 2, hidden: 4, ffn: 16, context: 8, vocab: 11, tieEmbeddings: true },
  dataPosition: { samples: 160 },
  rng: { seed: 1337 },
  optimizer: { type: 'adamw' },
  tensors: [
    { name: 'w', kind: 'weight', dtype: 'f32', shape: [2, 3], blocks: [block('a', 16), block('b', 8)] },
    { name: 'w', kind: 'm', dtype: 'f32', shape: [2, 3], blocks: [block('a', 16), block('b', 8)] },
  ],
};

describe('canonicalJson', () => {
  it('is JSON of the same value, whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(JSON.parse(text)))).toBe(text);
      }),
    );
  });

  it('refuses what is not JSON', () => {
    for (const value of [NaN, Infinity, () => 1, Symbol('x'), [undefined]])
      expect(() => canonicalJson(value)).toThrowError(/JSON/);
  });
});

/** The same value with every object's keys in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

describe('manifest', () => {
  it("is accepted as it was stored, an import's too", () => {
    expect(parseManifest(JSON.parse(canonicalJson(manifest)))).toEqual(manifest);
    expect(() =>
      parseManifest({ ...manifest, runId: null, optimizer: null, step: 0, model: { ...manifest.model, heads: null } }),
    ).not.toThrow();
    expect(manifestBytes(manifest)).toBe(24);
    expect(manifestDigest(manifest)).toBe(manifestDigest(reversed(manifest) as Manifest));
  });

  const [first] = manifest.tensors;
  it.each<[string, unknown]>([
    ['', null],
    ['/version', { ...manifest, version: 2 }],
    ['/step', { ...manifest, step: -1 }],
    ['/stage', { ...manifest, stage: 1 }],
    ['/rng', { ...manifest, rng: [] }],
    ['/optimizer', { ...manifest, optimizer: 'adamw' }],
    ['/model/family', { ...manifest, model: { ...manifest.model, family: 'llama' } }],
    ['/model/layers', { ...manifest, model: { ...manifest.model, layers: 0 } }],
    ['/model/tieEmbeddings', { ...manifest, model: { ...manifest.model, tieEmbeddings: 1 } }],
    ['/tensors', { ...manifest, tensors: {} }],
    ['/tensors/1', { ...manifest, tensors: [first, first] }],
    ['/tensors/0/kind', { ...manifest, tensors: [{ ...first, kind: 'x' }] }],
    ['/tensors/0/dtype', { ...manifest, tensors: [{ ...first, dtype: 'f16' }] }],
    ['/tensors/0/shape/1', { ...manifest, tensors: [{ ...first, shape: [2, 3.5] }] }],
    ['/tensors/0/blocks', { ...manifest, tensors: [{ ...first, shape: [2, 4] }] }],
    [
      '/tensors/0/blocks/0/sha256',
      { ...manifest, tensors: [{ ...first, blocks: [{ sha256: '../../etc', bytes: 24 }] }] },
    ],
    [
      '/tensors/0/blocks/0/bytes',
      { ...manifest, tensors: [{ ...first, blocks: [{ sha256: 'a'.repeat(64), bytes: '24' }] }] },
    ],
  ])('is refused with something wrong at "%s"', (path, value) => {
    expect(() => parseManifest(value)).toThrowError(
      expect.objectContaining({
        code: 'CHECKPOINT.MANIFEST_INVALID',
        fields: [expect.objectContaining({ path })],
      }) as Error,
    );
  });

  it('never fails otherwise, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...Object.keys(manifest)), (value, key) => {
        for (const given of [value, { ...manifest, [key]: value }, { ...manifest, tensors: [value] }]) {
          try {
            parseManifest(given);
          } catch (error) {
            expect(error).toMatchObject({ code: 'CHECKPOINT.MANIFEST_INVALID' });
          }
        }
      }),
    );
  });
});
