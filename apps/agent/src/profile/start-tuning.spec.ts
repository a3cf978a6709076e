import type { MeasuredChoice } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { attemptPlan } from '../../test/attempt-plans';
import { stagePlan } from '../stage/stage-plan';
import { StartTuning, type Tune } from './start-tuning';

const CHOICE: MeasuredChoice = { kernel: 'matmul_nn', bucket: 'K6 M6 N6', form: '64x64', ms: 1, usualMs: 2 };

function start(tune: Tune) {
  const told: unknown[] = [];
  const plan = stagePlan(attemptPlan());
  const tuning = new StartTuning({
    plan,
    tune,
    onChosen: (choices) => told.push(choices),
    onFailed: (text) => told.push(text),
  });
  return { tuning, told };
}

describe('the tuning of a start', () => {
  it('begins when the tensors are allocated, once, with the programs of a step', async () => {
    const tried: string[][] = [];
    const { tuning, told } = start((programs) => {
      tried.push(programs().map(({ name }) => name));
      return Promise.resolve([CHOICE]);
    });
    for (const phase of ['opening', 'compiling', 'warming'] as const) tuning.enter(phase);
    await tuning.done();
    expect(tried).toEqual([]);
    for (const phase of ['loading', 'loading'] as const) tuning.enter(phase);
    await tuning.done();
    expect(tried).toEqual([['forward', 'backward-input', 'backward-weight']]);
    expect(told).toEqual([[CHOICE]]);
  });

  it('costs no attempt: what fails is told, and nothing chosen is not', async () => {
    const failing = start(() => Promise.reject(new Error('no memory')));
    failing.tuning.enter('loading');
    await failing.tuning.done();
    expect(failing.told).toEqual(['variants of kernels were not tried: no memory']);
    const empty = start(() => Promise.resolve([]));
    empty.tuning.enter('loading');
    await empty.tuning.done();
    expect(empty.told).toEqual([]);
  });

  it('is told when the start has failed', async () => {
    let end = (): void => undefined;
    let seen: boolean[] = [];
    const { tuning } = start(async (_, stopped) => {
      seen = [stopped()];
      await new Promise<void>((resolve) => (end = resolve));
      seen.push(stopped());
      return [];
    });
    tuning.enter('loading');
    tuning.stop();
    end();
    await tuning.done();
    expect(seen).toEqual([false, true]);
  });
});
