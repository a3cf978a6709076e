import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Sampler, type SamplerOptions } from './sampler';
import { SequencePermutation } from './sequence-permutation';
import { splitValidation } from './split-validation';
import { TokenStore, type TokenReader } from './token-store';
import { ValidationSampler } from './validation-sampler';

const folder = mkdtempSync(join(tmpdir(), 'millrace-sampling-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Token i is i, so that a batch shows where it was read. */
const counting: TokenReader = { read: (offset, count) => Uint32Array.from({ length: count }, (_, i) => offset + i) };

function sampler(options: Partial<SamplerOptions> = {}): Sampler {
  return new Sampler({
    order: 'shuffled',
    seed: 7,
    tokens: { offset: 0, count: 101 },
    context: 4,
    global: 6,
    store: counting,
    ...options,
  });
}

const shape = fc.record({
  order: fc.constantFrom('sequential' as const, 'shuffled' as const),
  seed: fc.nat(),
  context: fc.integer({ min: 1, max: 9 }),
  global: fc.integer({ min: 1, max: 12 }),
  sequences: fc.integer({ min: 1, max: 70 }),
  spare: fc.nat(8),
  offset: fc.nat(50),
});

describe('Sampler', () => {
  it('visits every sequence once per epoch, inside its range', () => {
    fc.assert(
      fc.property(shape, fc.nat(3), ({ sequences, spare, offset, ...rest }, epoch) => {
        const tokens = { offset, count: sequences * rest.context + 1 + Math.min(spare, rest.context - 1) };
        const made = sampler({ ...rest, tokens });
        expect(made.sequences).toBe(sequences);
        const offsets = Array.from({ length: sequences }, (_, i) => {
          const sample = epoch * sequences + i;
          return made.rowOffset(Math.floor(sample / rest.global) + 1, sample % rest.global);
        });
        const every = Array.from({ length: sequences }, (_, n) => offset + n * rest.context);
        expect(offsets.toSorted((a, b) => a - b)).toEqual(every);
      }),
    );
  });

  it('gives the same rows from any step on and for every micro-batch size', () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 500 }), ({ sequences, ...rest }, step) => {
        const tokens = { offset: 0, count: sequences * rest.context + 1 };
        const whole = sampler({ ...rest, tokens }).batch(step, 0, rest.global);
        for (let micro = 1; micro <= rest.global; micro++) {
          if (rest.global % micro !== 0) continue;
          const resumed = sampler({ ...rest, tokens });
          const parts = Array.from({ length: rest.global / micro }, (_, microIndex) =>
            resumed.batch(step, microIndex, micro),
          );
          expect(parts.flatMap((part) => [...part.inputs])).toEqual([...whole.inputs]);
          expect(parts.flatMap((part) => [...part.targets])).toEqual([...whole.targets]);
        }
        expect([...whole.targets]).toEqual([...whole.inputs].map((id) => id + 1));
      }),
    );
  });

  it('goes on after what was consumed, in both orders, whatever the batch before and after', () => {
    const start = fc.record({ before: fc.integer({ min: 1, max: 12 }), steps: fc.integer({ min: 1, max: 30 }) });
    fc.assert(
      fc.property(shape, start, ({ sequences, ...rest }, { before, steps }) => {
        const tokens = { offset: 0, count: sequences * rest.context + 1 };
        const single = sampler({ ...rest, tokens, global: 1 });
        const begun = { step: steps + 1, sample: steps * before };
        const resumed = sampler({ ...rest, tokens, start: begun });
        for (let index = 0; index < 3 * rest.global; index++) {
          const step = begun.step + Math.floor(index / rest.global);
          const expected = single.rowOffset(begun.sample + index + 1, 0);
          expect(resumed.rowOffset(step, index % rest.global)).toBe(expected);
        }
      }),
    );
  });

  it('reads in order from (step - 1) * global + row on, and wraps modulo whole sequences', () => {
    const made = sampler({ order: 'sequential', tokens: { offset: 1000, count: 45 }, context: 4, global: 4 });
    expect(made.sequences).toBe(11);
    expect([0, 1, 2, 3].map((row) => made.rowOffset(1, row))).toEqual([1000, 1004, 1008, 1012]);
    expect([0, 1, 2, 3].map((row) => made.rowOffset(3, row))).toEqual([1032, 1036, 1040, 1000]);
    const { inputs, targets } = made.batch(3, 1, 2);
    expect([...inputs]).toEqual([1040, 1041, 1042, 1043, 1000, 1001, 1002, 1003]);
    expect([...targets]).toEqual([1041, 1042, 1043, 1044, 1001, 1002, 1003, 1004]);
  });

  it('shuffles: other epochs and seeds differ, the order is not the identity, and it stays what it was', () => {
    const permutation = new SequencePermutation(1337, 1000);
    const epoch = (index: number, of = permutation): number[] =>
      Array.from({ length: 1000 }, (_, i) => of.at(index, i));
    const inPlace = (order: number[]): number => order.filter((value, index) => value === index).length;
    expect(inPlace(epoch(0))).toBeLessThan(10);
    expect(epoch(0)).not.toEqual(epoch(1));
    expect(epoch(0)).not.toEqual(epoch(0, new SequencePermutation(1338, 1000)));
    // Golden: a change here changes the data order of every stored run.
    expect(epoch(0).slice(0, 8)).toEqual([26, 840, 493, 225, 19, 522, 231, 663]);
  });

  it('refuses a range without one sequence', () => {
    expect(() => sampler({ tokens: { offset: 0, count: 4 } })).toThrowError(
      expect.objectContaining({ code: 'DATA.TOKENS_TOO_FEW' }) as Error,
    );
  });
});

describe('splitValidation', () => {
  it('takes the last fraction', () => {
    expect(splitValidation(1000, 0.1, 8)).toEqual({
      train: { offset: 0, count: 900 },
      validation: { offset: 900, count: 100 },
    });
    expect(splitValidation(1000, 0, 8)).toEqual({
      train: { offset: 0, count: 1000 },
      validation: { offset: 1000, count: 0 },
    });
  });

  it('refuses parts that hold no sequence, naming the field', () => {
    const fieldOf = (split: () => unknown): unknown => {
      try {
        return split();
      } catch (error) {
        return (error as { fields: { path: string }[] }).fields[0]?.path;
      }
    };
    expect(fieldOf(() => splitValidation(8, 0, 8))).toBe('/model/context');
    expect(fieldOf(() => splitValidation(100, 0.01, 8))).toBe('/data/validation');
  });
});

describe('ValidationSampler', () => {
  const IGNORED = 99;
  const options = { tokens: { offset: 500, count: 41 }, context: 4, store: counting, ignoredTarget: IGNORED };

  it('reads every sequence of the range once, the same each time, whatever the batch', () => {
    const every = Array.from({ length: 40 }, (_, index) => 501 + index);
    for (const [global, micro] of [
      [1, 1],
      [2, 1],
      [3, 3],
      [4, 2],
      [64, 16],
    ] as const) {
      const made = new ValidationSampler({ ...options, global, evalBatches: 64 });
      const batches = Array.from({ length: made.microBatchCount(micro) }, (_, index) => made.batch(index, micro));
      expect(batches.every(({ inputs }) => inputs.length === micro * 4)).toBe(true);
      const targets = batches.flatMap((batch) => [...batch.targets]).filter((target) => target !== IGNORED);
      expect(targets).toEqual(every);
      expect(made.batch(0, micro)).toEqual(batches[0]);
    }
  });

  it('stops after the number of global batches asked for', () => {
    const made = new ValidationSampler({ ...options, global: 3, evalBatches: 2 });
    expect([made.sequenceCount, made.microBatchCount(1), made.microBatchCount(3)]).toEqual([6, 6, 2]);
    expect(made.batch(1, 3).targets.includes(IGNORED)).toBe(false);
    expect(() => made.batch(2, 3)).toThrow(/micro-batch 2 of 2/);
  });
});

describe('TokenStore', () => {
  it.each(['u16', 'u32'] as const)('reads any range of %s ids with few pages in memory', (dtype) => {
    const ids = Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 65_536);
    const path = join(folder, dtype);
    writeFileSync(path, new Uint8Array((dtype === 'u16' ? Uint16Array : Uint32Array).from(ids).buffer));
    const store = TokenStore.open(path, { dtype, pageCountMax: 2 });
    expect(store.tokens).toBe(200_000);
    fc.assert(
      fc.property(fc.nat(199_999), fc.nat(300), (offset, wanted) => {
        const count = Math.min(wanted, 200_000 - offset);
        expect([...store.read(offset, count)]).toEqual(ids.slice(offset, offset + count));
      }),
    );
    expect([...store.read(0, 200_000)]).toEqual(ids);
    expect([...store.values({ offset: 3, count: 70_000 })]).toEqual(ids.slice(3, 70_003));
    expect(() => store.read(199_999, 2)).toThrowError(/199999 \+ 2 of 200000/);
    store.close();
  });

  it('refuses a file with an id that the model does not have, and says where it is', () => {
    const path = join(folder, 'beyond');
    const ids = Uint16Array.from({ length: 100_000 }, (_, index) => index % 50);
    ids[70_001] = 50;
    writeFileSync(path, ids);
    const store = TokenStore.open(path, { dtype: 'u16' });
    store.checkVocab(51);
    expect(() => store.checkVocab(50)).toThrowError(
      expect.objectContaining({
        code: 'DATA.TOKEN_BEYOND_VOCAB',
        details: { id: 50, position: 70_001, vocab: 50 },
      }) as Error,
    );
    store.close();
  });

  it('refuses a file that is missing, odd or cut while in use', () => {
    expect(() => TokenStore.open(join(folder, 'none'), { dtype: 'u16' })).toThrowError(
      expect.objectContaining({ code: 'DATA.STORAGE_FAILED' }) as Error,
    );
    const path = join(folder, 'odd');
    writeFileSync(path, Buffer.alloc(3));
    const invalid = expect.objectContaining({ code: 'DATA.TOKEN_FILE_INVALID' }) as Error;
    expect(() => TokenStore.open(path, { dtype: 'u16' })).toThrowError(invalid);
    writeFileSync(path, Buffer.alloc(4));
    const store = TokenStore.open(path, { dtype: 'u16' });
    writeFileSync(path, '');
    expect(() => store.read(0, 2)).toThrowError(invalid);
    store.close();
  });
});
