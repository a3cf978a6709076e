import { describe, expect, it } from 'vitest';
import { appendLive, livePoint } from './live-points';

const body = {
  series: [
    {
      name: 'train/loss',
      total: 4,
      points: [
        { step: 2, value: 5, min: 4, max: 6 },
        { step: 4, value: 3, min: 3, max: 5 },
      ],
    },
  ],
};

describe('live points', () => {
  it('go after the stored ones, and replace those of the same step', () => {
    const live = [
      { name: 'train/loss', step: 5, value: 2 },
      { name: 'train/loss', step: 4, value: 2.5 },
      { name: 'val/loss', step: 6, value: 9 },
    ];
    expect(appendLive(body, 'train/loss', live)).toEqual([
      { x: 2, y: 5, min: 4, max: 6 },
      { x: 4, y: 2.5, min: 2.5, max: 2.5 },
      { x: 5, y: 2, min: 2, max: 2 },
    ]);
    expect(appendLive(undefined, 'val/loss', live).map(({ x }) => x)).toEqual([6]);
  });

  it('are read from metric events alone, and only when they are whole', () => {
    expect(livePoint('run.metric', { runId: 'r', name: 'n', step: 1, value: 2 })).toEqual({
      name: 'n',
      step: 1,
      value: 2,
    });
    expect(livePoint('run.metric', { name: 'n', step: 1 })).toBeUndefined();
    expect(livePoint('run.state', { name: 'n', step: 1, value: 2 })).toBeUndefined();
    expect(livePoint('run.metric', null)).toBeUndefined();
  });
});
