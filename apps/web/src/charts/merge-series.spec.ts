import { describe, expect, it } from 'vitest';
import { mergeSeries } from './merge-series';

describe('series on one axis', () => {
  it('leave gaps where a series has no point, whatever the order of the points', () => {
    const merged = mergeSeries([
      {
        label: 'train',
        points: [
          { x: 2, y: 20 },
          { x: 1, y: 10 },
          { x: 3, y: 30 },
        ],
      },
      {
        label: 'validation',
        points: [
          { x: 3, y: 33 },
          { x: 5, y: 55 },
        ],
      },
    ]);
    expect(merged.xs).toEqual([1, 2, 3, 5]);
    expect(merged.columns).toEqual([
      [10, 20, 30, null],
      [null, null, 33, 55],
    ]);
    expect(merged.ranges).toEqual([undefined, undefined]);
  });

  it('carry the range of buckets, and that of a single point is the point', () => {
    const { ranges } = mergeSeries([
      {
        label: 'train',
        points: [
          { x: 1, y: 5, min: 4, max: 6 },
          { x: 2, y: 7 },
        ],
      },
    ]);
    expect(ranges).toEqual([{ min: [4, 7], max: [6, 7] }]);
  });

  it('are empty without points', () => {
    expect(mergeSeries([{ label: 'none', points: [] }])).toEqual({ xs: [], columns: [[]], ranges: [undefined] });
  });
});
