import { describe, expect, it } from 'vitest';
import { executionSchedule } from '../execution-schedule';
import { makeSchedule } from '../schedule/make-schedule';
import { splitBackward } from '../schedule/split-backward';
import { parseScheduleCsv, toCsv } from '../text/csv';
import { lowerSchedule } from './lower-schedule';

const rows = (csv: string): string[] =>
  csv
    .trimEnd()
    .split('\n')
    .map((row) => row.replaceAll(',', ' '));

describe('lowerSchedule', () => {
  const schedule = makeSchedule({ name: '1f1b', ranks: 2, microBatches: 3 });

  it('sends a gradient after the whole B; the lower rank receives before it sends', () => {
    expect(rows(toCsv(lowerSchedule(schedule)))).toEqual([
      '0F0 0SEND_F0 0F1 0RECV_B0 0SEND_F1 0I0 0W0 0F2 0RECV_B1 0SEND_F2 0I1 0W1 0RECV_B2 0I2 0W2 0REDUCE 0STEP',
      '1RECV_F0 1F0 1I0 1W0 1SEND_B0 1RECV_F1 1F1 1I1 1W1 1SEND_B1 1RECV_F2 1F2 1I2 1W2 1SEND_B2 1REDUCE 1STEP',
    ]);
  });

  it('sends a gradient before W where I and W are written apart', () => {
    expect(rows(toCsv(lowerSchedule(splitBackward(schedule))))[1]).toBe(
      '1RECV_F0 1F0 1I0 1SEND_B0 1W0 1RECV_F1 1F1 1I1 1SEND_B1 1W1 1RECV_F2 1F2 1I2 1SEND_B2 1W2 1REDUCE 1STEP',
    );
  });

  it('gives gpipe no receive before a send that its peer needs first', () => {
    expect(rows(toCsv(lowerSchedule(makeSchedule({ name: 'gpipe', ranks: 2, microBatches: 2 }))))).toEqual([
      '0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0I0 0W0 0RECV_B1 0I1 0W1 0REDUCE 0STEP',
      '1RECV_F0 1F0 1RECV_F1 1F1 1I0 1W0 1SEND_B0 1I1 1W1 1SEND_B1 1REDUCE 1STEP',
    ]);
  });

  it('needs no transfer on one rank, and hands over between neighbours on one rank', () => {
    expect(toCsv(lowerSchedule(makeSchedule({ name: '1f1b', ranks: 1, microBatches: 1 })))).toBe(
      '0F0,0I0,0W0,0REDUCE,0STEP\n',
    );
    const vee = parseScheduleCsv('0F0,3F0,3B0,0B0\n1F0,2F0,2B0,1B0\n');
    expect(rows(toCsv(lowerSchedule(vee)))[1]).toBe(
      '1RECV_F0 1F0 1LOCAL_F0 2F0 2SEND_F0 2RECV_B0 2I0 2W0 2LOCAL_B0 1I0 1W0 1SEND_B0 1REDUCE 1STEP',
    );
  });

  it('begins an overlapped pair when both tensors are asked for, and sends both at its end', () => {
    const pair = parseScheduleCsv('0F0,(0F1;3B0)OVERLAP_F_B,3F1,0B0,3B1,0B1\n1F0,2F0,2B0,1F1,2F1,1B0,2B1,1B1\n');
    expect(rows(toCsv(lowerSchedule(pair)))[0]).toContain('0F0 0SEND_F0 0F1 3I0 3W0 0SEND_F1 3SEND_B0 3RECV_F1 3F1');
  });

  it('steps after each update where there is no flush', () => {
    const free = lowerSchedule(makeSchedule({ name: 'pipedream', ranks: 2, microBatches: 2 }));
    expect(rows(toCsv(free))).toEqual([
      '0F0 0SEND_F0 0F1 0RECV_B0 0SEND_F1 0I0 0W0 0STEP0 0RECV_B1 0I1 0W1 0STEP1',
      '1RECV_F0 1F0 1I0 1W0 1SEND_B0 1STEP0 1RECV_F1 1F1 1I1 1W1 1SEND_B1 1STEP1',
    ]);
  });

  it('refuses to lower twice', () => {
    expect(() => lowerSchedule(lowerSchedule(schedule))).toThrowError(
      expect.objectContaining({ code: 'PIPELINE.ALREADY_LOWERED' }),
    );
  });

  it('is what an attempt runs, split and proved', () => {
    const { schedule: plan, proof } = executionSchedule({ name: '1f1b', ranks: 2, microBatches: 3 });
    expect(plan.actions).toEqual(lowerSchedule(splitBackward(schedule)).actions);
    expect(proof.peakMicroBatches.untilWeight).toEqual([2, 1]);
  });
});
