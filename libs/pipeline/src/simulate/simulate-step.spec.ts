import { describe, expect, it } from 'vitest';
import { executionSchedule } from '../execution-schedule';
import { simulateSchedule } from './simulate-schedule';
import { simulateStep } from './simulate-step';

const EQUAL = { F: 1, I: 1, W: 1 };

describe('simulateStep', () => {
  it('of a schedule without a flush has no bubble on equal stages', () => {
    for (const ranks of [1, 2, 4, 7]) {
      const pipedream = executionSchedule({ name: 'pipedream', ranks, microBatches: 1 }).schedule;
      expect(simulateStep(pipedream, EQUAL)).toMatchObject({ stepTime: 3 / 1, bubbleOfTotal: 0, bubbleOfIdeal: 0 });
      const full = executionSchedule({ name: 'pipedream-2bw', ranks, microBatches: 8 }).schedule;
      expect(simulateStep(full, EQUAL)).toMatchObject({ stepTime: 24, bubbleOfTotal: 0 });
    }
  });

  it('takes as long as the slowest stage, and says how long the others wait', () => {
    const { schedule } = executionSchedule({ name: 'pipedream', ranks: 3, microBatches: 1 });
    const stages = [EQUAL, { F: 2, I: 2, W: 2 }, EQUAL];
    const step = simulateStep(schedule, { stages });
    expect(step.stepTime).toBeCloseTo(6, 9);
    expect(step.idlePerRank.map((idle) => Math.round(idle))).toEqual([3, 0, 3]);
    expect(step.bubbleOfTotal).toBeCloseTo(1 / 3, 9);
  });

  it('of a schedule that flushes is the schedule itself', () => {
    const { schedule } = executionSchedule({ name: '1f1b', ranks: 3, microBatches: 4 });
    expect(simulateStep(schedule, EQUAL)).toEqual(simulateSchedule(schedule, EQUAL));
  });
});
