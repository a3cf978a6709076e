import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionLayers } from './partition-layers';

describe('partitionLayers', () => {
  it.each([
    [4, 1, [4]],
    [4, 2, [2, 2]],
    [5, 2, [3, 2]],
    [6, 4, [1, 2, 2, 1]],
    [7, 4, [2, 2, 2, 1]],
    [5, 4, [1, 2, 1, 1]],
    [12, 5, [2, 3, 3, 2, 2]],
    [4, 4, [1, 1, 1, 1]],
  ])('splits %i layers over %i stages evenly, the rest in the middle', (layers, stages, expected) => {
    expect(partitionLayers(layers, stages)).toEqual(expected);
  });

  it('relieves the stage that carries the head', () => {
    expect(partitionLayers(8, 2, { layers: Array(8).fill(1), head: 2 })).toEqual([5, 3]);
    expect(partitionLayers(8, 2, { layers: Array(8).fill(1), embedding: 4 })).toEqual([2, 6]);
  });

  it('gives a slow device fewer layers', () => {
    expect(partitionLayers(9, 3, { layers: Array(9).fill(1), speeds: [1, 2, 6] })).toEqual([1, 2, 6]);
  });

  it('keeps every layer and at least one per stage, and no split has a faster slowest stage', () => {
    const requests = fc.integer({ min: 1, max: 3 }).chain((stages) =>
      fc.record({
        costs: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: stages, maxLength: 9 }),
        speeds: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: stages, maxLength: stages }),
        head: fc.integer({ min: 0, max: 20 }),
      }),
    );
    fc.assert(
      fc.property(requests, ({ costs, speeds, head }) => {
        const options = { layers: costs, speeds, head };
        const counts = partitionLayers(costs.length, speeds.length, options);
        const slowest = (split: readonly number[]): number => {
          let next = 0;
          return Math.max(
            ...split.map((count, stage) => {
              const work = costs.slice(next, (next += count)).reduce((a, b) => a + b, 0);
              return (work + (stage === split.length - 1 ? head : 0)) / (speeds[stage] ?? 1);
            }),
          );
        };
        expect(counts.reduce((a, b) => a + b, 0)).toBe(costs.length);
        expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
        for (const other of everySplit(costs.length, speeds.length)) {
          expect(slowest(counts)).toBeLessThanOrEqual(slowest(other) + 1e-9);
        }
      }),
    );
  });

  it.each([
    [2, 3, undefined, /3 stages need at least 3 layers and the model has 2/],
    [0, 1, undefined, /0 layers/],
    [4, 1.5, undefined, /1\.5 stages/],
    [4, 2, { layers: [1, 1] }, /costs must be 4 numbers/],
    [2, 2, { layers: [1, NaN] }, /costs must be/],
    [2, 2, { layers: [1, 1], speeds: [1, 0] }, /above 0/],
  ])('refuses %i layers over %d stages %j', (layers, stages, costs, message) => {
    expect(() => partitionLayers(layers, stages, costs)).toThrowError(message);
    expect(() => partitionLayers(layers, stages, costs)).toThrowError(
      expect.objectContaining({ code: 'PIPELINE.PARTITION_IMPOSSIBLE', kind: 'invalid' }),
    );
  });
});

function everySplit(layers: number, stages: number): number[][] {
  if (stages === 1) return [[layers]];
  const first = Array.from({ length: layers - stages + 1 }, (_, index) => index + 1);
  return first.flatMap((count) => everySplit(layers - count, stages - 1).map((rest) => [count, ...rest]));
}
