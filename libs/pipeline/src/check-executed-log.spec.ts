import { describe, expect, it } from 'vitest';
import { checkExecutedLog } from './check-executed-log';
import { executionSchedule } from './execution-schedule';
import { parseAction } from './schedule/action-text';

describe('checkExecutedLog', () => {
  const plan = executionSchedule({ name: '1f1b', ranks: 2, microBatches: 2 }).schedule.actions[1] ?? [];

  it('accepts the plan itself', () => {
    expect(() => checkExecutedLog(plan, [...plan])).not.toThrow();
  });

  it('names the first difference', () => {
    const executed = plan.map((action, index) => (index === 3 ? parseAction('1W0') : action));
    expect(() => checkExecutedLog(plan, executed)).toThrowError(
      /action 3 was 1W0 and the plan says 1SEND_B0 \(after 1I0; 12 executed, 12 planned\)/,
    );
    expect(() => checkExecutedLog(plan, executed)).toThrowError(
      expect.objectContaining({ code: 'PIPELINE.LOG_DIFFERS', kind: 'aborted' }),
    );
  });

  it('refuses a log that is short or long', () => {
    expect(() => checkExecutedLog(plan, plan.slice(0, -1))).toThrowError(/was nothing and the plan says 1STEP/);
    const long = [...plan, parseAction('1STEP')];
    expect(() => checkExecutedLog(plan, long)).toThrowError(/was 1STEP and the plan says nothing/);
  });
});
