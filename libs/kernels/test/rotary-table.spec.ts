import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RopeScaling } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { rotaryFrequencies, rotaryTable } from '../src/rope/rotary-table';

interface Golden {
  readonly positions: readonly number[];
  readonly frequencies: Readonly<Record<'plain' | 'llama3', readonly number[]>>;
  readonly cos: Readonly<Record<'plain' | 'llama3', readonly (readonly number[])[]>>;
  readonly sin: Readonly<Record<'plain' | 'llama3', readonly (readonly number[])[]>>;
}

const golden = JSON.parse(readFileSync(join(__dirname, 'rotary-golden.json'), 'utf8')) as Golden;
const LLAMA3: RopeScaling = {
  type: 'llama3',
  factor: 8,
  lowFreqFactor: 1,
  highFreqFactor: 4,
  originalContext: 8192,
};

describe.each([
  ['plain', undefined],
  ['llama3', LLAMA3],
] as const)('%s', (name, scaling) => {
  const settings = { headSize: 64, theta: 500_000, scaling };

  it('frequencies are those of the golden file', () => {
    rotaryFrequencies(settings).forEach((frequency, pair) => {
      expect(frequency / golden.frequencies[name][pair]!).toBeCloseTo(1, 12);
    });
  });

  it('cosines and sines are those of the golden file', () => {
    const table_TD = rotaryTable(Math.max(...golden.positions) + 1, settings);
    golden.positions.forEach((position, index) => {
      for (let pair = 0; pair < 32; pair++) {
        expect(table_TD[position * 64 + pair]).toBeCloseTo(golden.cos[name][index]![pair]!, 9);
        expect(table_TD[position * 64 + 32 + pair]).toBeCloseTo(golden.sin[name][index]![pair]!, 9);
      }
    });
  });
});

it('linear scaling divides every frequency', () => {
  const settings = { headSize: 8, theta: 10_000 };
  const scaled = rotaryFrequencies({ ...settings, scaling: { type: 'linear', factor: 4 } });
  expect([...scaled]).toEqual([...rotaryFrequencies(settings)].map((frequency) => frequency / 4));
});
