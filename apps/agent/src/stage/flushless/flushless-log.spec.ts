import { type Action, flushlessRow } from '@millrace/pipeline';
import { describe, expect, it } from 'vitest';
import { attemptPlan, type PlanOptions } from '../../../test/attempt-plans';
import { type StagePlan, stagePlan } from '../stage-plan';
import { FlushlessLog } from './flushless-log';

const SHAPES: PlanOptions[] = [1, 2, 4].flatMap((ranks): PlanOptions[] => [
  { ranks, schedule: 'pipedream', microBatches: 1 },
  { ranks, schedule: 'pipedream-2bw', microBatches: 1 },
  { ranks, schedule: 'pipedream-2bw', microBatches: 2 },
  { ranks, schedule: 'pipedream-2bw', microBatches: 3 },
]);

async function row(plan: StagePlan, lastStep: number): Promise<Action[]> {
  const actions: Action[] = [];
  for await (const action of flushlessRow(plan, plan.firstStep - 1, (step) => step < lastStep)) actions.push(action);
  return actions;
}

function check(plan: StagePlan, actions: readonly Action[], lastStep: number): void {
  const log = new FlushlessLog(plan);
  const forwards = actions.filter(({ kind }) => kind === 'F').length;
  let seen = 0;
  let step = plan.firstStep;
  for (const action of actions) {
    log.add(action);
    if (action.kind === 'F') seen++;
    if (action.kind === 'STEP') log.endStep(step++, seen === forwards ? lastStep : undefined);
  }
}

describe('FlushlessLog', () => {
  it.each(SHAPES)('knows the row of a run of any length, from any step: %j', async (options) => {
    for (const rank of Array(options.ranks).keys()) {
      for (const [firstStep, lastStep] of [
        [1, 40],
        [1, 5],
        [7, 40],
        [33, 40],
        [40, 40],
        [5, 9],
      ] as const) {
        const plan = stagePlan({ ...attemptPlan({ ...options, steps: 40, tied: false }), rank, firstStep });
        const actions = await row(plan, lastStep);
        expect(() => check(plan, actions, lastStep)).not.toThrow();
      }
    }
  });

  it('refuses an action out of its place, anywhere', async () => {
    const plan = stagePlan(attemptPlan({ ranks: 3, schedule: 'pipedream', microBatches: 1, steps: 12, tied: false }));
    const actions = await row(plan, 12);
    for (let at = 1; at < actions.length; at++) {
      const [before, here] = [actions[at - 1]!, actions[at]!];
      if (here.kind === 'STEP' || before.kind === 'STEP') continue;
      const swapped = actions.with(at - 1, here).with(at, before);
      expect(() => check(plan, swapped, 12)).toThrowError(expect.objectContaining({ code: 'PIPELINE.LOG_DIFFERS' }));
    }
  });
});
