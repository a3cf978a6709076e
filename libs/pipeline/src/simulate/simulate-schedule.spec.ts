import { describe, expect, it } from 'vitest';
import { lowerSchedule } from '../lower/lower-schedule';
import { formatAction } from '../schedule/action-text';
import { makeSchedule } from '../schedule/make-schedule';
import type { Schedule } from '../schedule/schedule';
import { splitBackward } from '../schedule/split-backward';
import { parseScheduleCsv } from '../text/csv';
import { simulateSchedule } from './simulate-schedule';

const UNIT = { F: 1, I: 1, W: 1 };

function lowered(name: string, ranks: number, microBatches: number): Schedule {
  return lowerSchedule(makeSchedule({ name, ranks, microBatches }));
}

describe('simulateSchedule', () => {
  it('split backward idles (p-1)(F+I) per rank', () => {
    const split = lowerSchedule(splitBackward(makeSchedule({ name: '1f1b', ranks: 4, microBatches: 8 })));
    expect(simulateSchedule(split, UNIT)).toMatchObject({ stepTime: 30, idlePerRank: [6, 6, 6, 6] });
  });

  it('hides transfers behind computing in the steady state', () => {
    const split = lowerSchedule(splitBackward(makeSchedule({ name: '1f1b', ranks: 2, microBatches: 16 })));
    const link = { forward: 0.25, backward: 0.25 };
    const [free, linked] = [simulateSchedule(split, UNIT), simulateSchedule(split, { ...UNIT, link })];
    // Only the first activation and the last gradient are waited for.
    expect(linked.stepTime).toBe(free.stepTime + 0.5);
  });

  it('queues tensors on a slow link', () => {
    const slow = simulateSchedule(lowered('gpipe', 2, 4), { ...UNIT, link: { forward: 3, backward: 0 } });
    const starts = slow.actions[1]?.slice(0, 4).map(({ start }) => start);
    expect(starts).toEqual([4, 7, 10, 13]);
  });

  it('takes measured times per stage: the slowest stage sets the pace', () => {
    const stages = [UNIT, { F: 2, I: 2, W: 2 }];
    const { stepTime, idlePerRank, bubbleOfTotal } = simulateSchedule(lowered('1f1b', 2, 4), { stages });
    expect(stepTime).toBe(1 + 4 * 6 + 2);
    expect(idlePerRank).toEqual([15, 3]);
    expect(bubbleOfTotal).toBeCloseTo(18 / 54, 12);
  });

  it('gives a chunk 1/v of the share', () => {
    const vee = lowerSchedule(parseScheduleCsv('0F0,3F0,3B0,0B0\n1F0,2F0,2B0,1B0\n'));
    const simulation = simulateSchedule(vee, UNIT);
    expect(simulation).toMatchObject({ stepTime: 6, idlePerRank: [3, 3] });
    expect(simulation.peakMicroBatches.untilWeight).toEqual([1, 1]);
  });

  it('takes an overlapped pair as one action, which begins with both inputs and gives both outputs at its end', () => {
    const rows = [
      '0F0,0F1,3F0,(0F2;3B0)OVERLAP_F_B,3F1,3B1,0B0,3F2,3B2,0B1,0B2',
      '1F0,2F0,1F1,2F1,2B0,1F2,2F2,2B1,1B0,2B2,1B1,1B2',
    ];
    const { actions } = simulateSchedule(lowerSchedule(parseScheduleCsv(rows.join('\n'))), { F: 2, I: 2, W: 2 });
    const at = (rank: number, text: string): number | undefined =>
      actions[rank]?.find(({ action }) => formatAction(action) === text)?.start;
    expect([at(0, '0F2'), at(0, '3I0'), at(0, '3W0')]).toEqual([4, 5, 6]);
    expect(at(1, '1F2')).toBeGreaterThanOrEqual(7);
    expect(at(1, '2I0')).toBe(7);
  });

  it.each([
    [{ F: 1, I: -1, W: 1 }, /-1 is not a duration/],
    [{ F: NaN, I: 1, W: 1 }, /NaN is not a duration/],
    [{ stages: [UNIT] }, /2 stages need 2 times and 1 link times, not 1 and 1/],
    [{ stages: [UNIT, UNIT], links: [] }, /not 2 and 0/],
  ])('refuses times %j', (times, message) => {
    expect(() => simulateSchedule(lowered('1f1b', 2, 2), times)).toThrowError(message);
  });

  it('gives zero bubbles, not NaN, when nothing takes time', () => {
    const { bubbleOfTotal, bubbleOfIdeal } = simulateSchedule(lowered('1f1b', 2, 2), { F: 0, I: 0, W: 0 });
    expect([bubbleOfTotal, bubbleOfIdeal]).toEqual([0, 0]);
  });
});
