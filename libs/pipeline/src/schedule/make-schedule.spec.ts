import { describe, expect, it } from 'vitest';
import { toCsv } from '../text/csv';
import { makeSchedule } from './make-schedule';

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
      lowered: false,
    });
  });

  it.each([
    [{ name: 'zb-h1', ranks: 2, microBatches: 2 }, 'PIPELINE.SCHEDULE_UNKNOWN', /"zb-h1".*gpipe or 1f1b/],
    [{ name: '1f1b', ranks: 2, microBatches: 2, chunks: 2 }, 'PIPELINE.CHUNKS_UNSUPPORTED', /not 2/],
    [{ name: '1f1b', ranks: 0, microBatches: 2 }, 'PIPELINE.SIZE_INVALID', /0 ranks/],
    [{ name: 'gpipe', ranks: 2, microBatches: 1.5 }, 'PIPELINE.SIZE_INVALID', /1\.5 micro-batches/],
    [{ name: 'gpipe', ranks: 1, microBatches: 2 ** 40 }, 'PIPELINE.SIZE_INVALID', /at most/],
    [{ name: 'gpipe', ranks: 4096, microBatches: 1 }, 'PIPELINE.SIZE_INVALID', /at most 1024/],
  ])('refuses %j', (options, code, message) => {
    expect(() => makeSchedule(options)).toThrowError(expect.objectContaining({ code, kind: 'invalid' }));
    expect(() => makeSchedule(options)).toThrowError(message);
  });
});
