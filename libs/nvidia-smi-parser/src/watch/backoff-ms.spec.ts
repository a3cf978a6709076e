import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff-ms';

describe('backoffMs', () => {
  const pauses = (intervalMs: number, backoffMsMax: number, counts: number[]): number[] =>
    counts.map((failureCount) => backoffMs({ intervalMs, backoffMsMax, failureCount }));

  it('doubles with each failure up to the bound, and starts again after a success', () => {
    expect(pauses(5000, 60_000, [0, 1, 2, 3, 4, 1000])).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('never comes down under the interval', () => {
    expect(pauses(5000, 1000, [0, 3])).toEqual([5000, 5000]);
  });
});
