import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import type { DeviceReport } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import { probeInThread } from './probe-in-thread';

const REPORT = { quarantined: [] } as unknown as DeviceReport;

function scene(answers: boolean): { probe: () => Promise<DeviceReport>; clock: FakeClock; stopped: () => number } {
  const clock = new FakeClock();
  let stopped = 0;
  const startThread: StartGpuThread = (_task, onMessage) => {
    if (answers) queueMicrotask(() => onMessage({ type: 'probed', report: REPORT }));
    return {
      post: () => undefined,
      silentMs: () => 0,
      stop: () => {
        stopped++;
        return Promise.resolve();
      },
    };
  };
  const probe = (): Promise<DeviceReport> =>
    probeInThread({
      startThread,
      clock,
      limitMs: 5000,
      adapterName: undefined,
      known: undefined,
      whileOpen: () => Promise.resolve(),
    });
  return { probe, clock, stopped: () => stopped };
}

it('ends a probe whose driver neither answers nor fails, and its thread with it', async () => {
  const { probe, clock, stopped } = scene(false);
  const error = expect.objectContaining({
    code: 'AGENT.DEVICE_PROBE_LATE',
    message: expect.stringContaining('within 5 s'),
  });
  await expect(clock.run(probe(), 10_000)).rejects.toThrowError(error);
  expect(clock.monotonicMs()).toBe(5000);
  expect(stopped()).toBe(1);
});

it('gives the report of a probe that is in time, and leaves no timer behind', async () => {
  const { probe, clock, stopped } = scene(true);
  expect(await probe()).toBe(REPORT);
  expect(stopped()).toBe(1);
  expect(clock.fireNext()).toBe(false);
});
