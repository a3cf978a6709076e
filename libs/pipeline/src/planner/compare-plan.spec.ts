import { describe, expect, it } from 'vitest';
import { plainRequest } from '../../test/plain-request';
import { comparePlan } from './compare-plan';
import { makePlan } from './make-plan';

const REQUEST = plainRequest({ speeds: [1, 1], deviceOrder: 'given' });
const PLAN = makePlan(REQUEST);

describe('comparePlan', () => {
  it('keeps a plan that was right, and one that was wrong everywhere alike', () => {
    const right = comparePlan(REQUEST, PLAN, { stepSeconds: 50, stages: PLAN.stages.map(({ times }) => times) });
    expect(right).toMatchObject({ isClearlyWrong: false, measuredStepSeconds: 50, gain: 0 });
    expect(right.simulatedStepSeconds).toBeCloseTo(right.predictedStepSeconds, 10);
    expect(right.stages.map(({ ratio }) => ratio)).toEqual([1, 1]);
    const stages = PLAN.stages.map(({ times: { F, I, W } }) => ({ F: 3 * F, I: 3 * I, W: 3 * W }));
    const slow = comparePlan(REQUEST, PLAN, { stepSeconds: 150, stages });
    expect(slow.isClearlyWrong).toBe(false);
    expect(slow.simulatedStepSeconds).toBeCloseTo(3 * PLAN.stepSeconds, 10);
    expect(slow.better.layersPerStage).toEqual(PLAN.layersPerStage);
  });

  it('finds that a device is half as fast as it was told to be, and gives the plan for that', () => {
    const stages = PLAN.stages.map(({ rank, times: { F, I, W } }) =>
      rank === 0 ? { F: 2 * F, I: 2 * I, W: 2 * W } : { F, I, W },
    );
    const compared = comparePlan(REQUEST, PLAN, { stepSeconds: 80, stages });
    expect(compared.isClearlyWrong).toBe(true);
    expect(compared.gain).toBeGreaterThan(0.1);
    expect(compared.stages[0]).toMatchObject({ rank: 0, device: 'a:0', ratio: 2 });
    expect(compared.better.layersPerStage).toEqual(
      makePlan(plainRequest({ speeds: [0.5, 1], deviceOrder: 'given' })).layersPerStage,
    );
  });

  it('refuses a measurement of other stages', () => {
    expect(() => comparePlan(REQUEST, PLAN, { stepSeconds: 1, stages: [] })).toThrow(/0 stages were measured/);
  });
});
