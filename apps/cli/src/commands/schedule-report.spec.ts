import { expect, it } from 'vitest';
import { drawScheduleSvg, reportSchedule } from './schedule-report';

const EQUAL = { F: 1, I: 1, W: 1 };

it.each(['gpipe', '1f1b'])('accounts for %s as the literature does', (name) => {
  const { summary } = reportSchedule({ name, ranks: 8, microBatches: 32, chunks: 1, times: EQUAL });
  expect(summary.idlePerRank).toEqual(Array.from({ length: 8 }, () => 21));
  expect(summary.bubbleOfTotal).toBeCloseTo(7 / 39, 12);
  expect(summary.bubbleOfIdeal).toBeCloseTo(7 / 32, 12);
  expect(summary.peakMicroBatches.untilWeight[0]).toBe(name === 'gpipe' ? 32 : 8);
});

it('draws what it accounts for', () => {
  const report = reportSchedule({ name: '1f1b', ranks: 2, microBatches: 2, chunks: 1, times: EQUAL });
  expect(report.csv).toBe('0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n');
  expect(report.timetable).toContain('rank 0 |');
  expect(drawScheduleSvg(report)).toMatch(/^<svg /);
});

it.each([
  ['interleaved', 10.5, 11.5],
  ['zb-v', 3.5, 8],
  ['dualpipe-v', 7, 8.5],
])('takes the chunks of %s as its own unless told', (name, idle, peak) => {
  const { summary } = reportSchedule({ name, ranks: 8, microBatches: 32, times: EQUAL });
  expect(summary.idlePerRank).toEqual(Array.from({ length: 8 }, () => idle));
  expect(summary.peakMicroBatches.untilInput[0]).toBe(peak);
});

it('refuses what cannot be made, by the field to change', () => {
  expect(() => reportSchedule({ name: 'zb-v', ranks: 2, microBatches: 2, chunks: 4, times: EQUAL })).toThrowError(
    expect.objectContaining({ code: 'PIPELINE.CHUNKS_UNSUPPORTED' }),
  );
});
