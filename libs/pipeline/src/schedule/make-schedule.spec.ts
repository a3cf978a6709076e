import { describe, expect, it } from 'vitest';
import { toCsv } from '../text/csv';
import { defaultChunks, makeSchedule } from './make-schedule';
import { SCHEDULE_NAMES } from './schedule';
import { scheduleConstraints } from './schedule-constraints';

const rows = (name: string, ranks: number, microBatches: number): string[] =>
  toCsv(makeSchedule({ name, ranks, microBatches })).trimEnd().split('\n');

describe('makeSchedule', () => {
  it('lays gpipe out with its backward ascending', () => {
    expect(rows('gpipe', 2, 3)).toEqual(['0F0,0F1,0F2,0B0,0B1,0B2', '1F0,1F1,1F2,1B0,1B1,1B2']);
  });

  it('lays 1f1b out as warm-up, pairs and the rest', () => {
    expect(rows('1f1b', 4, 6)).toEqual([
      '0F0,0F1,0F2,0F3,0B0,0F4,0B1,0F5,0B2,0B3,0B4,0B5',
      '1F0,1F1,1F2,1B0,1F3,1B1,1F4,1B2,1F5,1B3,1B4,1B5',
      '2F0,2F1,2B0,2F2,2B1,2F3,2B2,2F4,2B3,2F5,2B4,2B5',
      '3F0,3B0,3F1,3B1,3F2,3B2,3F3,3B3,3F4,3B4,3F5,3B5',
    ]);
  });

  it('fills no more than there is: fewer micro-batches than ranks', () => {
    expect(rows('1f1b', 3, 1)).toEqual(['0F0,0B0', '1F0,1B0', '2F0,2B0']);
  });

  it('places one stage on each rank', () => {
    const schedule = makeSchedule({ name: '1f1b', ranks: 3, microBatches: 5 });
    expect(schedule).toMatchObject({
      stages: 3,
      chunks: 1,
      rankOfStage: [0, 1, 2],
      stagesOfRank: [[0], [1], [2]],
      inFlightLimit: [3, 2, 1],
      linkSlotsLimit: 0,
      updates: { mode: 'flush', microBatches: 5 },
      lowered: false,
    });
  });

  it('places chunks round and round, or in a V', () => {
    expect(makeSchedule({ name: 'interleaved', ranks: 3, microBatches: 3, chunks: 2 })).toMatchObject({
      rankOfStage: [0, 1, 2, 0, 1, 2],
      stagesOfRank: [
        [0, 3],
        [1, 4],
        [2, 5],
      ],
    });
    expect(makeSchedule({ name: 'zb-v', ranks: 3, microBatches: 3 })).toMatchObject({
      chunks: 2,
      rankOfStage: [0, 1, 2, 2, 1, 0],
      stagesOfRank: [
        [0, 5],
        [1, 4],
        [2, 3],
      ],
    });
  });

  it('takes groups of micro-batches through the chunks in turn, and drops what the last group lacks', () => {
    expect(rows('interleaved', 2, 3)).toEqual([
      '0F0,0F1,2F0,2F1,0F2,2B0,2B1,2F2,0B0,0B1,2B2,0B2',
      '1F0,1F1,3F0,3B0,3F1,3B1,1F2,1B0,1B1,3F2,3B2,1B2',
    ]);
  });

  it('runs the backward of a looped chunk ascending', () => {
    const schedule = makeSchedule({ name: 'looped-bfs', ranks: 2, microBatches: 2, chunks: 2 });
    expect(toCsv(schedule)).toBe('0F0,0F1,2F0,2F1,2B0,2B1,0B0,0B1\n1F0,1F1,3F0,3F1,3B0,3B1,1B0,1B1\n');
  });

  it('puts W off by the rank (zb-h1), and by twice the rank (zb-h2)', () => {
    expect(rows('zb-h1', 2, 3)[1]).toBe('1F0,1I0,1F1,1I1,1W0,1F2,1I2,1W1,1W2');
    expect(rows('zb-h2', 2, 4)).toEqual([
      '0F0,0F1,0F2,0I0,0W0,0F3,0I1,0W1,0I2,0W2,0I3,0W3',
      '1F0,1I0,1F1,1I1,1F2,1I2,1W0,1F3,1I3,1W1,1W2,1W3',
    ]);
  });

  it('overlaps the forward of one chunk with the backward of the other in dualpipe-v', () => {
    expect(rows('dualpipe-v', 2, 4)[0]).toBe(
      '0F0,0F1,0F2,3F0,3I0,3W0,3F1,(0F3;3B1)OVERLAP_F_B,(3F2;0B0)OVERLAP_F_B,3B2,(3F3;0B1)OVERLAP_F_B,' +
        '3B3,0I2,0W2,0I3,0W3',
    );
  });

  it.each(SCHEDULE_NAMES)('%s on one rank does every micro-batch', (name) => {
    const schedule = makeSchedule({ name, ranks: 1, microBatches: 3 });
    expect(schedule.actions[0]?.filter(({ kind }) => kind === 'F')).toHaveLength(3 * schedule.chunks);
  });

  it('spans steps where there is no flush', () => {
    const schedule = makeSchedule({ name: 'pipedream-2bw', ranks: 2, microBatches: 2, steps: 3 });
    expect(schedule).toMatchObject({ microBatches: 6, updates: { mode: 'double-buffer', microBatches: 2 } });
  });

  it('reads csv, with the stages where their F stand', () => {
    const csv = '0F0,3F0,3B0,0B0\n1F0,2F0,2B0,1B0\n';
    const schedule = makeSchedule({ name: 'csv', ranks: 2, microBatches: 1, csv });
    expect(schedule).toMatchObject({ name: 'csv', chunks: 2, rankOfStage: [0, 1, 1, 0] });
  });

  it.each([
    [{ name: 'zb-h3', ranks: 2, microBatches: 2 }, 'PIPELINE.SCHEDULE_UNKNOWN', /"zb-h3".*gpipe, 1f1b/],
    [{ name: '1f1b', ranks: 2, microBatches: 2, chunks: 2 }, 'PIPELINE.CHUNKS_UNSUPPORTED', /not 2/],
    [{ name: '1f1b', ranks: 0, microBatches: 2 }, 'PIPELINE.SIZE_INVALID', /0 ranks/],
    [{ name: 'gpipe', ranks: 2, microBatches: 1.5 }, 'PIPELINE.SIZE_INVALID', /1\.5 micro-batches/],
    [{ name: 'gpipe', ranks: 1, microBatches: 2 ** 40 }, 'PIPELINE.SIZE_INVALID', /at most/],
    [{ name: 'gpipe', ranks: 4096, microBatches: 1 }, 'PIPELINE.SIZE_INVALID', /at most 1024/],
    [{ name: 'zb-v', ranks: 2, microBatches: 2, chunks: 3 }, 'PIPELINE.CHUNKS_UNSUPPORTED', /takes 2 chunks.* not 3/],
    [{ name: 'interleaved', ranks: 2, microBatches: 2, chunks: 0 }, 'PIPELINE.CHUNKS_UNSUPPORTED', /1 to 64/],
    [{ name: 'interleaved', ranks: 4, microBatches: 8, groupSize: 3 }, 'PIPELINE.OPTION_UNUSED', /from 4 to 8/],
    [{ name: '1f1b', ranks: 4, microBatches: 8, groupSize: 4 }, 'PIPELINE.OPTION_UNUSED', /interleaved only/],
    [
      { name: '1f1b', ranks: 2, microBatches: 2, verticalSync: true },
      'PIPELINE.OPTION_UNUSED',
      /belongs to.*pipedream/,
    ],
    [{ name: 'zb-h1', ranks: 2, microBatches: 2, steps: 2 }, 'PIPELINE.OPTION_UNUSED', /2 steps without a flush/],
    [{ name: 'gpipe', ranks: 1, microBatches: 1, csv: '0F0,0B0' }, 'PIPELINE.OPTION_UNUSED', /belongs to schedule csv/],
    [{ name: 'csv', ranks: 1, microBatches: 1 }, 'PIPELINE.CSV_INVALID', /one row per rank/],
    [{ name: 'csv', ranks: 2, microBatches: 1, csv: '0F0,0B0' }, 'PIPELINE.CSV_INVALID', /for 1 ranks .* has 2 ranks/],
    [
      { name: 'csv', ranks: 1, microBatches: 1, csv: '0F0,0I0,0W0,0STEP' },
      'PIPELINE.CSV_INVALID',
      /F, I, W and B only/,
    ],
  ])('refuses %j', (options, code, message) => {
    expect(() => makeSchedule(options)).toThrowError(expect.objectContaining({ code, kind: 'invalid' }));
    expect(() => makeSchedule(options)).toThrowError(message);
  });

  it('lists everything that is wrong, by the field to change', () => {
    const options = { name: 'zb-v', ranks: 2, microBatches: 0, chunks: 1, verticalSync: true };
    expect(scheduleConstraints(options).map(({ path }) => path)).toEqual([
      '/parallel/pp',
      '/parallel/chunks',
      '/parallel/verticalSync',
    ]);
    expect(scheduleConstraints({ name: 'zb-v', ranks: 2, microBatches: 1 })).toEqual([]);
  });

  it('knows how many chunks each schedule has unless told', () => {
    expect(
      SCHEDULE_NAMES.map((name) => `${name} ${defaultChunks(name)}`).filter((text) => !text.endsWith(' 1')),
    ).toEqual(['interleaved 2', 'zb-v 2', 'dualpipe-v 2']);
  });
});
