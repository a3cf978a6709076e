import { describe, expect, it } from 'vitest';
import { lowerSchedule } from '../lower/lower-schedule';
import type { Action } from '../schedule/action';
import { formatAction, parseAction } from '../schedule/action-text';
import { makeSchedule } from '../schedule/make-schedule';
import type { Schedule } from '../schedule/schedule';
import { parseScheduleCsv } from '../text/csv';
import { proveSchedule } from './prove-schedule';
import { walkSchedule } from './walk-schedule';

const good = lowerSchedule(makeSchedule({ name: '1f1b', ranks: 3, microBatches: 4 }));

const vee = lowerSchedule(makeSchedule({ name: 'zb-v', ranks: 2, microBatches: 3 }));
const free = lowerSchedule(makeSchedule({ name: 'pipedream', ranks: 2, microBatches: 3 }));

type Row = readonly Action[];

/** The same schedule with one rank's row changed. */
function withRow(schedule: Schedule, rank: number, change: (row: Row) => Row): Schedule {
  return { ...schedule, actions: schedule.actions.map((row, index) => (index === rank ? change(row) : row)) };
}

const without =
  (text: string) =>
  (row: Row): Row =>
    row.filter((action) => formatAction(action) !== text);

const swapped =
  (first: string, second: string) =>
  (row: Row): Row =>
    row.map((action) => {
      const text = formatAction(action);
      return text === first ? parseAction(second) : text === second ? parseAction(first) : action;
    });

/** Moves `text` to stand directly before `before`. */
const moved =
  (text: string, before: string) =>
  (row: Row): Row =>
    without(text)(row).flatMap((action) => (formatAction(action) === before ? [parseAction(text), action] : [action]));

function errorOf(broken: Schedule): unknown {
  try {
    proveSchedule(broken);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('proveSchedule', () => {
  it('counts what is in flight and what can be under way', () => {
    expect(proveSchedule(good)).toEqual({
      peakMicroBatches: { untilInput: [3, 2, 1], untilWeight: [3, 2, 1] },
      bufferBounds: [
        { fromStage: 0, toStage: 1, slots: 2 },
        { fromStage: 1, toStage: 2, slots: 1 },
        { fromStage: 1, toStage: 0, slots: 2 },
        { fromStage: 2, toStage: 1, slots: 1 },
      ],
      linkSlots: 0,
    });
  });

  it.each<[string, Schedule, string, string]>([
    ['a dropped send', withRow(good, 0, without('0SEND_F2')), 'TRANSFER_UNMATCHED', '[1RECV_F2]'],
    ['a dropped receive', withRow(good, 1, without('1RECV_B1')), 'TRANSFER_UNMATCHED', '[2SEND_B1]'],
    [
      'a send and its receive both gone',
      withRow(withRow(good, 0, without('0SEND_F2')), 1, without('1RECV_F2')),
      'ACTION_MISSING',
      '1RECV_F2 is missing on rank 1',
    ],
    ['a receive after its use', withRow(good, 1, swapped('1RECV_F1', '1RECV_F2')), 'ORDER_BROKEN', '[1RECV_F1]'],
    ['W before I', withRow(good, 1, swapped('1I1', '1W1')), 'ORDER_BROKEN', '[1W1] 1I1'],
    ['I before F', withRow(good, 2, swapped('2F1', '2I1')), 'ORDER_BROKEN', '[2I1]'],
    ['a send before its tensor is made', withRow(good, 2, moved('2SEND_B1', '2I1')), 'ORDER_BROKEN', '[2SEND_B1] 2I1'],
    ['a W twice', withRow(good, 0, (row) => [parseAction('0W1'), ...row]), 'ACTION_DUPLICATED', '[0W1]'],
    ['a missing W', withRow(good, 0, without('0W3')), 'ACTION_MISSING', '0W3 is missing on rank 0'],
    ['a missing STEP', withRow(good, 2, without('2STEP')), 'ACTION_MISSING', '2STEP'],
    ['STEP before REDUCE', withRow(good, 2, swapped('2STEP', '2REDUCE')), 'ORDER_BROKEN', '[2STEP]'],
    ['W after REDUCE', withRow(good, 2, swapped('2W3', '2REDUCE')), 'ORDER_BROKEN', '[2W3]'],
    ['a foreign stage', withRow(good, 0, (row) => [parseAction('1F0'), ...row]), 'ACTION_MISPLACED', '[1F0]'],
    ['a micro-batch too many', withRow(good, 0, (row) => [parseAction('0F4'), ...row]), 'ACTION_MISPLACED', '0 to 3'],
    ['B in a lowered list', withRow(good, 2, (row) => [parseAction('2B0'), ...row]), 'ACTION_MISPLACED', '[2B0]'],
    ['buffers without a bound', { ...gpipe(), inFlightLimit: [3, 2, 1] }, 'BUFFER_EXCEEDED', '[0F3]'],
    [
      'a missing local hand-over',
      withRow(vee, 1, without('1LOCAL_F2')),
      'ACTION_MISSING',
      '1LOCAL_F2 is missing on rank 1',
    ],
    ['a missing gradient hand-over', withRow(vee, 1, without('2LOCAL_B0')), 'ACTION_MISSING', '2LOCAL_B0 is missing'],
    ['a hand-over before its F', withRow(vee, 1, swapped('1F1', '1LOCAL_F1')), 'ORDER_BROKEN', '[1LOCAL_F1]'],
    ['a hand-over after its use', withRow(vee, 1, moved('2F0', '1LOCAL_F0')), 'ORDER_BROKEN', '[1LOCAL_F0]'],
    [
      'a hand-over to nobody',
      withRow(vee, 0, (row) => [parseAction('0LOCAL_F0'), ...row]),
      'ORDER_BROKEN',
      '[0LOCAL_F0]',
    ],
    ['a missing update', withRow(free, 0, without('0STEP1')), 'ACTION_MISSING', '0STEP1 is missing on rank 0'],
    ['an update before its gradient', withRow(free, 0, swapped('0W1', '0STEP1')), 'ORDER_BROKEN', '[0STEP1]'],
    ['an update too late', withRow(free, 1, swapped('1STEP1', '1STEP2')), 'ORDER_BROKEN', '[1STEP1]'],
    [
      'a barrier without a flush',
      withRow(free, 0, (row) => [...row, parseAction('0REDUCE')]),
      'ACTION_MISPLACED',
      '[0REDUCE]',
    ],
    ['compute only', makeSchedule({ name: '1f1b', ranks: 2, microBatches: 2 }), 'NOT_LOWERED', 'lower it'],
  ])('refuses %s and names the cell', (_, broken, code, cell) => {
    expect(errorOf(broken)).toMatchObject({ name: 'AppError', code: `PIPELINE.${code}`, kind: 'invalid' });
    expect(String(errorOf(broken))).toContain(cell);
  });

  it('refuses swapped receives that still stand before their use', () => {
    const lowered = lowerSchedule(parseScheduleCsv('0F0,0F1,0B0,0B1\n1F0,1F1,1B0,1B1\n'));
    const broken = withRow(lowered, 1, (row) => moved('1RECV_F1', '1RECV_F0')(row));
    expect(errorOf(broken)).toMatchObject({ code: 'PIPELINE.RECEIVE_ORDER_BROKEN', details: { rank: 1, position: 0 } });
  });

  it('refuses W that do not ascend within a stage', () => {
    const lowered = lowerSchedule(parseScheduleCsv('0F0,0F1,0I0,0I1,0W1,0W0\n'));
    expect(errorOf(lowered)).toMatchObject({ code: 'PIPELINE.WEIGHT_ORDER_BROKEN', details: { action: '0W1' } });
  });

  it('refuses a backward that waits for a forward behind it: deadlock on any link', () => {
    const lowered = lowerSchedule(parseScheduleCsv('0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n'));
    expect(errorOf(lowered)).toMatchObject({
      code: 'PIPELINE.DEADLOCK',
      details: { slots: Infinity, rank: 0, action: '0RECV_B0' },
    });
    expect(String(errorOf(lowered))).toMatch(/2 of 2 ranks.*\[0RECV_B0\].*\[1RECV_F1\]/);
  });

  it('refuses two sends that face each other: deadlock only on links that hold nothing', () => {
    const lowered = lowerSchedule(makeSchedule({ name: '1f1b', ranks: 2, microBatches: 2 }));
    const broken = withRow(lowered, 0, moved('0SEND_F1', '0RECV_B0'));
    expect(walkSchedule(broken, 1)).toEqual([]);
    expect(errorOf(broken)).toMatchObject({ code: 'PIPELINE.DEADLOCK', details: { slots: 0 } });
  });

  it('refuses whatever one lost cell breaks', () => {
    for (const whole of [good, vee, free]) {
      const cells = whole.actions.flatMap((row, rank) => row.map((_, position) => ({ rank, position })));
      for (const { rank, position } of cells) {
        const broken = withRow(whole, rank, (row) => row.filter((_, index) => index !== position));
        expect(errorOf(broken)).toMatchObject({ name: 'AppError' });
      }
    }
  });
});

function gpipe(): Schedule {
  return lowerSchedule(makeSchedule({ name: 'gpipe', ranks: 3, microBatches: 4 }));
}
