import { AppError } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { parseRunSpec } from '../parse-run-spec';
import { runSpecSchema } from '../run-spec';
import { flushlessRules } from './flushless-rules';
import { scheduleRequest } from './schedule-request';

interface Changes {
  readonly model?: object;
  readonly train?: object;
  readonly parallel?: object;
}

function spec({ model, train, parallel }: Changes = {}): unknown {
  return {
    name: 'asynchronous',
    model: { family: 'gpt2', layers: 4, heads: 2, hidden: 8, context: 8, tieEmbeddings: false, ...model },
    data: { dataset: 'bytes', validation: 0.1 },
    train: { steps: 9, batch: { global: 2, micro: 2 }, optimizer: { type: 'sgd', lr: 0.1 }, ...train },
    parallel: { pp: 2, schedule: 'pipedream', ...parallel },
  };
}

function refused(changes: Changes): string[] {
  try {
    parseRunSpec(spec(changes));
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.fields.map(({ path }) => path);
  }
}

describe('the rules of schedules without a flush', () => {
  it.each(['pipedream', 'pipedream-2bw'] as const)('refuse steps that %s would have to skip together', (schedule) => {
    const half = runSpecSchema.parse(spec({ train: { precision: 'f16' }, parallel: { schedule } }));
    expect(flushlessRules(half).map(({ path }) => path)).toEqual(['/train/precision']);
  });

  it('take what they can run', () => {
    expect(refused({})).toEqual([]);
    expect(refused({ parallel: { verticalSync: true } })).toEqual([]);
    expect(refused({ parallel: { pp: 1, wire: 'f16' } })).toEqual([]);
    expect(refused({ model: { tieEmbeddings: true }, parallel: { pp: 1 } })).toEqual([]);
    const several = { train: { batch: { global: 6, micro: 2 } }, parallel: { schedule: 'pipedream-2bw' } };
    expect(refused(several)).toEqual([]);
  });

  it.each([
    ['/train/batch/global', { train: { batch: { global: 6, micro: 2 } } }],
    ['/train/clip', { train: { clip: 1 } }],
    ['/train/clip', { train: { clip: 1 }, parallel: { schedule: 'pipedream-2bw' } }],
    ['/parallel/wire', { parallel: { wire: 'f16' } }],
    ['/model/tieEmbeddings', { model: { tieEmbeddings: true } }],
    ['/train/evalEvery', { train: { evalEvery: 3 } }],
    ['/parallel/verticalSync', { parallel: { schedule: 'pipedream-2bw', verticalSync: true } }],
    ['/parallel/verticalSync', { parallel: { schedule: '1f1b', verticalSync: true } }],
  ])('refuse %s', (path, changes) => {
    expect(refused(changes)).toEqual([path]);
  });

  it('leave other schedules alone', () => {
    const usual = { model: { tieEmbeddings: true }, train: { clip: 1, evalEvery: 3, batch: { global: 6, micro: 2 } } };
    expect(refused({ ...usual, parallel: { schedule: '1f1b' } })).toEqual([]);
  });

  it('make one schedule of all steps', () => {
    expect(scheduleRequest(parseRunSpec(spec()))).toMatchObject({ name: 'pipedream', microBatches: 1, steps: 9 });
    expect(scheduleRequest(parseRunSpec(spec({ parallel: { schedule: 'zb-h1' } }))).steps).toBe(1);
  });
});
