import { streamKey, wordsOf } from '@millrace/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dims, KERNELS } from '../src';
import { openTestDevice, type TestDevice } from './webgpu-device';

const SEED = 2 ** 35 + 1337;

interface Draw {
  readonly site?: string;
  readonly seed?: number;
  readonly step?: number;
  readonly firstSample?: number;
}

interface Words {
  readonly site_2: Uint32Array;
  readonly sequences_B5: Uint32Array;
}

function wordsFor({ B = 0 }: Record<string, number>, draw: Draw): Words {
  const { site = 'h.1.attention', seed = SEED, step = 3, firstSample = 0 } = draw;
  const rows = Array.from({ length: B }, (_, b) => [...wordsOf(seed), step, ...wordsOf(firstSample + b)]);
  const site_2 = Uint32Array.from(streamKey({ purpose: 'dropout', name: site }));
  return { site_2, sequences_B5: Uint32Array.from(rows.flat()) };
}

/** The twin on ones: the scale where an element stays, 0 where it is dropped. */
function twinOfOnes(dims: Record<string, number>, draw: Draw = {}): Float64Array {
  const { B = 0, T = 0, C = 0 } = dims;
  const x_BTC = new Float64Array(B * T * C).fill(1);
  const y_BTC = new Float64Array(B * T * C);
  KERNELS.dropout.cpu(dims, { x_BTC, residual_BTC: x_BTC, ...wordsFor(dims, draw), y_BTC });
  return y_BTC;
}

function kept(values: Iterable<number>): boolean[] {
  return Array.from(values, (value) => value !== 0);
}

/** How many of the two differ: half of them, if the one tells nothing of the other. */
function different(a: Float64Array, b: Float64Array): number {
  return a.filter((value, index) => value !== b[index]).length / a.length;
}

describe('dropout', () => {
  const dims = { B: 3, T: 7, C: 11, p: 0.5, residual: 0 };

  it('keeps the mean: a part p is dropped and the rest is divided by 1 - p', () => {
    for (const p of [0.1, 0.5, 0.9]) {
      const size = { B: 4, T: 100, C: 250, p };
      const values = twinOfOnes(size);
      const part = kept(values).filter((each) => !each).length / values.length;
      // Five deviations of 100,000 draws.
      const deviation = Math.sqrt((p * (1 - p)) / values.length);
      expect(Math.abs(part - p), `p ${p}`).toBeLessThan(5 * deviation);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(Math.abs(mean - 1), `p ${p}`).toBeLessThan((5 * deviation) / (1 - p));
      expect(Math.max(...values) * (1 - p)).toBeCloseTo(1, 8);
    }
  });

  it('passes everything with p = 0, and adds the residual to what it drops', () => {
    const [B, T, C] = [1, 5, 3];
    expect([...twinOfOnes({ B, T, C, p: 0 })]).toEqual(Array(15).fill(1));
    const x_BTC = Float64Array.from({ length: 15 }, (_, index) => index + 1);
    const residual_BTC = new Float64Array(15).fill(100);
    const y_BTC = new Float64Array(15);
    const words = wordsFor({ B }, {});
    KERNELS.dropout.cpu({ B, T, C, p: 0.5, residual: 1 }, { x_BTC, residual_BTC, ...words, y_BTC });
    const stays = kept(twinOfOnes({ B, T, C, p: 0.5 }));
    expect([...y_BTC]).toEqual(stays.map((stay, index) => 100 + (stay ? 2 * (index + 1) : 0)));
  });

  it('draws by sample, whatever the micro-batch: a sequence alone loses what it loses among others', () => {
    const together = twinOfOnes(dims, { firstSample: 20 });
    const length = 7 * 11;
    for (let b = 0; b < 3; b++) {
      const alone = twinOfOnes({ ...dims, B: 1 }, { firstSample: 20 + b });
      expect(alone).toEqual(together.slice(b * length, (b + 1) * length));
    }
  });

  it('draws anew for another seed, site, step or sample, beyond 32 bits too', () => {
    const size = { B: 1, T: 50, C: 80, p: 0.5 };
    const own = twinOfOnes(size);
    const others: Draw[] = [
      { seed: SEED + 1 },
      { seed: SEED + 2 ** 32 },
      { site: 'h.1.feed-forward' },
      { site: 'h.2.attention' },
      { step: 4 },
      { firstSample: 1 },
      { firstSample: 2 ** 32 },
    ];
    for (const draw of others) expect(different(own, twinOfOnes(size, draw)), JSON.stringify(draw)).toBeCloseTo(0.5, 1);
    expect(twinOfOnes(size)).toEqual(own);
  });

  it('refuses to drop everything', () => {
    expect(() => KERNELS.dropout.flops({ ...dims, T: 0 })).toThrow('dimension T is 0');
    expect(() => twinOfOnes({ ...dims, p: 1 })).toThrow('the dropout of an operation is 1');
  });
});

describe('masks of the shader', () => {
  let device: TestDevice | undefined;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  afterAll(() => device?.close());

  it.for([
    { B: 1, T: 1, C: 1, p: 0.5 },
    { B: 3, T: 7, C: 11, p: 0.1 },
    { B: 2, T: 21, C: 60, p: 0.3 },
    { B: 5, T: 32, C: 64, p: 0.9 },
    { B: 2, T: 128, C: 96, p: 0.001 },
  ])('are those of the twin, to the bit: %o', async (dims: Dims, { skip }) => {
    if (device === undefined) skip('no adapter');
    const on = device!;
    const { B = 0, T = 0, C = 0 } = dims;
    const variants = [KERNELS.dropout.variant(dims, on.target), KERNELS.dropout.reference(dims, on.target)];
    for (const draw of [{}, { seed: 0, step: 1 }, { firstSample: 2 ** 33 + 5 }]) {
      const x_BTC = new Float32Array(B * T * C).fill(1);
      const tensors = { x_BTC, residual_BTC: x_BTC, ...wordsFor(dims, draw), y_BTC: new Float32Array(B * T * C) };
      for (const variant of variants) {
        const { y_BTC } = await on.run(KERNELS.dropout, variant, { tensors });
        expect(kept(y_BTC!)).toEqual(kept(twinOfOnes(dims, draw)));
      }
    }
  });
});
