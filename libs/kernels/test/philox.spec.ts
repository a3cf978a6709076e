import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { philox4x32, RandomStream, streamKey, type Words4, wordsOf } from '@millrace/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { philoxWords, philoxWordsShader } from './philox-words';
import { seededUniform } from './seeded-data';
import { openTestDevice, type TestDevice } from './webgpu-device';

interface Row {
  readonly rounds: number;
  readonly counter: readonly string[];
  readonly key: readonly string[];
  readonly output: readonly string[];
}

const golden = JSON.parse(readFileSync(join(__dirname, 'philox-golden.json'), 'utf8')) as {
  readonly published: readonly Row[];
  readonly computed: readonly Row[];
};
const ROWS = [...golden.published, ...golden.computed];
const ROUNDS = [...new Set(ROWS.map(({ rounds }) => rounds))];

function words(texts: readonly string[]): number[] {
  return texts.map((text) => Number.parseInt(text, 16));
}

it('philox4x32 of libs/core gives the known answers of ten rounds', () => {
  const ofTen = ROWS.filter(({ rounds }) => rounds === 10);
  expect(ofTen.length).toBeGreaterThan(10);
  for (const { counter, key, output } of ofTen) {
    const [key0, key1] = words(key) as [number, number];
    expect(philox4x32(words(counter) as Words4, key0, key1)).toEqual(words(output));
  }
});

it('a stream is Philox under its key xor the seed, whose counter is (element, step)', () => {
  const [low, high] = streamKey({ purpose: 'dropout', name: 'h.0.attention' });
  const [seed, element] = [2 ** 40 + 7, 3 * 2 ** 32 + 11];
  expect(wordsOf(seed)).toEqual([7, 256]);
  const stream = new RandomStream(seed, 'dropout', 'h.0.attention');
  expect(stream.words(5, element)).toEqual(philox4x32([11, 3, 5, 0], low ^ 7, high ^ 256));
});

describe('Philox in WGSL', () => {
  let device: TestDevice | undefined;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  afterAll(() => device?.close());

  async function onDevice(on: TestDevice, counters: number[], keys: number[], rounds: number): Promise<number[]> {
    const N = keys.length / 2;
    const overrides = { WG: 64, N, ROUNDS: rounds };
    const workgroups = [Math.ceil(N / 64), 1, 1] as const;
    const tensors = {
      counters_N4: Uint32Array.from(counters),
      keys_N2: Uint32Array.from(keys),
      words_N4: new Uint32Array(4 * N),
    };
    const variant = { wgsl: 'philox_words', overrides, workgroups };
    const { words_N4 } = await on.run(philoxWords, variant, { tensors, wgsl: philoxWordsShader() });
    return [...(words_N4 ?? [])];
  }

  it.for(ROUNDS)('gives the known answers of %i rounds', async (rounds, { skip }) => {
    if (device === undefined) skip('no adapter');
    const rows = ROWS.filter((row) => row.rounds === rounds);
    const counters = rows.flatMap(({ counter }) => words(counter));
    const keys = rows.flatMap(({ key }) => words(key));
    expect(await onDevice(device!, counters, keys, rounds)).toEqual(rows.flatMap(({ output }) => words(output)));
  });

  it('gives what libs/core gives for a thousand random counters and keys', async ({ skip }) => {
    if (device === undefined) skip('no adapter');
    const uniform = seededUniform(7);
    const drawn = (count: number): number[] => Array.from({ length: count }, () => Math.floor(uniform() * 2 ** 32));
    const [counters, keys] = [drawn(4 * 1000), drawn(2 * 1000)];
    const expected = Array.from({ length: 1000 }, (_, n) => {
      return philox4x32(counters.slice(4 * n, 4 * n + 4) as Words4, keys[2 * n]!, keys[2 * n + 1]!);
    });
    expect(await onDevice(device!, counters, keys, 10)).toEqual(expected.flat());
  });
});
