import { describe, expect, it } from 'vitest';
import { measuredStages, median } from './measured-stages';

const span = (
  action: string,
  ms: number,
  cause = 'compute',
): { action: string; cause: string; startMs: number; endMs: number } => ({
  action,
  cause,
  startMs: 1000,
  endMs: 1000 + ms,
});

describe('measuredStages', () => {
  it('takes the median of each action of each stage over all traced steps', () => {
    const first = { spans: [span('0F0', 1), span('0F1', 90), span('0I0', 4), span('0W0', 5)] };
    const second = { spans: [span('0F0', 2), span('10F0', 7), span('wait:0RECV_B0', 50, 'wait-gradient')] };
    expect(measuredStages([first, second], 1)).toEqual([{ F: 0.002, I: 0.004, W: 0.005 }]);
  });

  it('knows nothing before every stage has shown all three', () => {
    const spans = [span('0F0', 1), span('0I0', 4), span('0W0', 5), span('1F0', 1), span('1I0', 1)];
    expect(measuredStages([{ spans }], 2)).toBeUndefined();
    expect(measuredStages([], 1)).toBeUndefined();
  });

  it('has no median of nothing', () => {
    expect(median([])).toBeUndefined();
    expect(median([3, 1, 2])).toBe(2);
  });
});
