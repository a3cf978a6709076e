import { describe, expect, it } from 'vitest';
import { lowerSchedule } from '../lower/lower-schedule';
import { makeSchedule } from '../schedule/make-schedule';
import { SCHEDULE_NAMES } from '../schedule/schedule';
import { splitBackward } from '../schedule/split-backward';
import { parseScheduleCsv, toCsv } from './csv';
import { toSvg } from './svg';
import { formatTimetable } from './timetable';

const UNIT = { F: 1, I: 1, W: 1 };

/** Golden files: `npx vitest run libs/pipeline -u` writes them; read the diff. */
describe('formatTimetable', () => {
  it.each(SCHEDULE_NAMES)('draws %s, p = 4, m = 6', async (name) => {
    const schedule = makeSchedule({ name, ranks: 4, microBatches: 6 });
    await expect(formatTimetable(schedule, UNIT)).toMatchFileSnapshot(`golden/${name}-4-6.txt`);
  });

  it('draws 1f1b with a split backward and a slow link', async () => {
    const schedule = splitBackward(makeSchedule({ name: '1f1b', ranks: 4, microBatches: 6 }));
    const times = { ...UNIT, link: { forward: 1, backward: 1 } };
    await expect(formatTimetable(schedule, times)).toMatchFileSnapshot('golden/1f1b-split-4-6-link.txt');
  });

  it('draws longer actions wider and chunks with their stage', () => {
    const one = makeSchedule({ name: '1f1b', ranks: 1, microBatches: 1 });
    expect(formatTimetable(one, { F: 1, I: 2, W: 1 })).toBe('rank 0 | F0 I0 -- W0\n');
    expect(formatTimetable(parseScheduleCsv('0F0,3F0,3B0,0B0\n1F0,2F0,2B0,1B0\n'), UNIT)).toBe(
      'rank 0 | 0F0 ..  ..  3F0 3I0 3W0 ..  ..  ..  ..  0I0 0W0\n' +
        'rank 1 | ..  1F0 2F0 ..  ..  ..  2I0 2W0 1I0 1W0 ..  ..\n',
    );
  });
});

describe('CSV', () => {
  it('prints and parses back, compute-only and lowered', () => {
    const schedule = makeSchedule({ name: '1f1b', ranks: 3, microBatches: 5 });
    for (const each of [schedule, lowerSchedule(schedule)]) {
      const read = parseScheduleCsv(toCsv(each));
      expect(read).toEqual({ ...each, name: 'csv', inFlightLimit: [5, 5, 5], linkSlotsLimit: 30 });
    }
  });

  it('prints and parses overlapped pairs back', () => {
    const schedule = makeSchedule({ name: 'dualpipe-v', ranks: 2, microBatches: 6 });
    expect(parseScheduleCsv(toCsv(schedule)).actions).toEqual(schedule.actions);
  });

  it("reads torch's files: idle cells empty, interleaved stages", () => {
    const read = parseScheduleCsv('0F0,0F1,2F0,2F1,,,2B0,2B1,0B0,0B1\r\n,1F0,1F1,3F0,3F1,3B0,3B1,1B0,1B1,\r\n');
    expect(read).toMatchObject({ ranks: 2, chunks: 2, stages: 4, microBatches: 2, rankOfStage: [0, 1, 0, 1] });
    expect(read.actions[1]).toHaveLength(8);
  });

  it.each([
    ['0F0,0X0\n', /row 1, column 2: "0X0"/],
    ['0F0\n0F0\n', /stage 0 has F in row 1 and in row 2/],
    ['1F0\n', /stage 0 has no F/],
    ['0F0,1F0\n2F0\n', /2, 1 stages/],
  ])('refuses %j', (text, message) => {
    expect(() => parseScheduleCsv(text)).toThrowError(expect.objectContaining({ code: 'PIPELINE.CSV_INVALID' }));
    expect(() => parseScheduleCsv(text)).toThrowError(message);
  });

  it('refuses an empty text', () => {
    expect(() => parseScheduleCsv('')).toThrowError(expect.objectContaining({ code: 'PIPELINE.CSV_INVALID' }));
  });
});

describe('toSvg', () => {
  it('draws one rectangle per compute action, to scale, without overlap', () => {
    const svg = toSvg(makeSchedule({ name: 'gpipe', ranks: 2, microBatches: 3 }), { F: 1, I: 1.5, W: 0.5 });
    expect(svg.match(/<rect class="cell"/g)).toHaveLength(2 * 3 * 3);
    expect(svg).toContain('<title>gpipe, 2 ranks, 3 micro-batches</title>');
    expect(svg).toContain('<rect class="cell" x="60.00" y="44" width="133.33"');
  });

  it('frames overlapped pairs and shades chunks', () => {
    const svg = toSvg(makeSchedule({ name: 'dualpipe-v', ranks: 2, microBatches: 4 }), UNIT);
    expect(svg.match(/class="pair"/g)).toHaveLength(6);
    expect(svg).toContain('F chunk 1');
    expect(new Set(svg.match(/fill="#[0-9a-f]{6}"/g)).size).toBe(6);
  });
});
