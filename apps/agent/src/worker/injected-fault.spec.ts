import { expect, it } from 'vitest';
import { attemptPlan } from '../../test/attempt-plans';
import type { GpuTask } from './gpu-task';
import { parseFaults, withFaults } from './injected-fault';

it('reads faults, and refuses what is none', () => {
  expect(parseFaults('lose@1:11,hang@3:15')).toEqual([
    { kind: 'lose', fence: 1, step: 11 },
    { kind: 'hang', fence: 3, step: 15 },
  ]);
  expect(parseFaults('lose@1')).toBeUndefined();
  expect(parseFaults('burn@1:2')).toBeUndefined();
});

it('happen to rank 1, in the attempt of their fence, at their step', () => {
  let lostCount = 0;
  const tell = (rank: number, fence: number, step: number): number => {
    const plan = { ...attemptPlan({ ranks: 2 }), rank, fence };
    const device = { quarantined: [], faults: parseFaults('lose@1:3') ?? [] };
    const task: GpuTask = { kind: 'attempt', device, plan, tokenFile: undefined };
    const end = { postMessage: () => undefined, on: () => undefined, off: () => undefined };
    withFaults(end, task, () => lostCount++).postMessage({ type: 'step', step });
    return lostCount;
  };
  expect([tell(0, 1, 3), tell(1, 2, 3), tell(1, 1, 2), tell(1, 1, 3)]).toEqual([0, 0, 0, 1]);
});
