import { describe, expect, it } from 'vitest';
import { summariseStep } from './step-summary';

const span = (kind: string, startUs: number, durationUs: number, rank = 0): Parameters<typeof summariseStep>[0][0] => ({
  ...{ rank, chunk: 0, kind, microBatch: 0, startUs, durationUs },
});

describe('where the time of a step went', () => {
  it('counts waits only while nothing is computed, and overlapping ones once', () => {
    const { lengthUs, ranks } = summariseStep([
      span('F', 100, 40),
      span('wait-input', 120, 60),
      span('wait-send', 150, 20),
      span('send', 130, 50),
      span('W', 180, 20),
    ]);
    expect(lengthUs).toBe(100);
    expect(ranks).toEqual([{ rank: 0, computeUs: 60, waitUs: 40, transferUs: 50, computeRatio: 0.6 }]);
  });

  it('has a row per rank, and none for no spans', () => {
    expect(summariseStep([span('F', 0, 10, 1), span('F', 0, 5, 0)]).ranks.map(({ rank }) => rank)).toEqual([0, 1]);
    expect(summariseStep([])).toEqual({ lengthUs: 0, ranks: [] });
  });
});
