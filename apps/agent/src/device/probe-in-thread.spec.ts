import { FakeClock } from '@millrace/testing';
import type { AdapterDescription } from '@millrace/runtime';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DeviceReport, GpuTask } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import type { FromWorker } from '../worker/worker-messages';
import { describeDevice, openDevice } from './open-device';

const LIMIT_MS = 5000;
const ADAPTER = { description: 'a GPU' } as AdapterDescription;
const REPORT = { adapter: ADAPTER, quarantined: [] } as unknown as DeviceReport;
const NO_ADAPTER: FromWorker = {
  type: 'failed',
  error: { code: 'RUNTIME.NO_ADAPTER', kind: 'precondition', message: 'no adapter', details: {} },
};
const LATE: unknown = expect.objectContaining({
  code: 'AGENT.DEVICE_PROBE_LATE',
  message: expect.stringContaining('within 5 s') as string,
});

interface Answer {
  readonly afterMs: number;
  readonly message: FromWorker;
}

/** A driver that gives the threads which are started these answers, one after the other, and then none. */
class FakeDriver {
  readonly clock = new FakeClock();
  readonly tasks: GpuTask['kind'][] = [];
  openCount = 0;

  constructor(private readonly answers: readonly Answer[]) {}

  private readonly startThread: StartGpuThread = (task, onMessage) => {
    const answer = this.answers[this.tasks.length];
    this.tasks.push(task.kind);
    this.openCount++;
    if (answer !== undefined) this.clock.after(answer.afterMs, () => onMessage(answer.message));
    const stop = (): Promise<void> => {
      this.openCount--;
      return Promise.resolve();
    };
    return { post: () => undefined, silentMs: () => 0, stop };
  };

  open(): Promise<DeviceReport> {
    const whileOpen = (): Promise<void> => {
      expect(this.openCount).toBe(1);
      return Promise.resolve();
    };
    return this.clock.run(openDevice({} as never, { ...this.options, known: undefined, whileOpen }), 10 * LIMIT_MS);
  }

  describe(): Promise<AdapterDescription> {
    return this.clock.run(describeDevice({} as never, this.options), 10 * LIMIT_MS);
  }

  private get options() {
    return { startThread: this.startThread, clock: this.clock, limitMs: LIMIT_MS, hasHardware: true };
  }
}

let environment: NodeJS.ProcessEnv;
beforeEach(() => void (environment = { ...process.env }));
afterEach(() => void (process.env = environment));

it('ends a probe whose driver neither answers nor fails, and its thread with it', async () => {
  const driver = new FakeDriver([]);
  await expect(driver.open()).rejects.toThrowError(LATE);
  expect(driver.clock.monotonicMs()).toBe(LIMIT_MS);
  expect(driver.openCount).toBe(0);
});

it('gives the report of a probe that is in time, and leaves no timer behind', async () => {
  const driver = new FakeDriver([{ afterMs: 10, message: { type: 'probed', report: REPORT } }]);
  expect(await driver.open()).toBe(REPORT);
  expect(driver.openCount).toBe(0);
  expect(driver.clock.fireNext()).toBe(false);
});

it('gives the software driver no more than what the search for a GPU has left of the time', async () => {
  const driver = new FakeDriver([{ afterMs: 4000, message: NO_ADAPTER }]);
  await expect(driver.open()).rejects.toThrowError(LATE);
  expect(driver.tasks).toEqual(['probe', 'probe']);
  expect(driver.clock.monotonicMs()).toBe(LIMIT_MS);
  expect(driver.openCount).toBe(0);
});

it('only opens the device that it describes, with the software driver if there is no GPU', async () => {
  const driver = new FakeDriver([
    { afterMs: 1000, message: NO_ADAPTER },
    { afterMs: 1000, message: { type: 'described', adapter: ADAPTER } },
  ]);
  expect(await driver.describe()).toBe(ADAPTER);
  expect(driver.tasks).toEqual(['describe', 'describe']);
  expect(driver.openCount).toBe(0);
});
