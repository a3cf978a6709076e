import { EventEmitter } from 'node:events';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { failureClass } from '../attempt/failure-class';
import type { GpuTask } from './gpu-task';
import { gpuThreadStarter, type ThreadHandle } from './gpu-thread';
import { fromThreadError } from './thread-error';
import { type FromWorker, PULSE_INTERVAL_MS, type ToWorker } from './worker-messages';

/** A thread of which each sign of life is up to the test. */
class FakeThread extends EventEmitter implements ThreadHandle {
  readonly posted: ToWorker[] = [];
  terminated = false;

  postMessage(message: ToWorker): void {
    this.posted.push(message);
  }

  terminate(): void {
    this.terminated = true;
  }
}

function scene(): {
  clock: FakeClock;
  thread: FakeThread;
  told: FromWorker[];
  wedged: () => boolean;
  stop: () => Promise<void>;
  silentMs: () => number;
} {
  const clock = new FakeClock();
  const thread = new FakeThread();
  const told: FromWorker[] = [];
  let isWedged = false;
  const start = gpuThreadStarter({ clock, open: () => thread, onWedged: () => (isWedged = true) });
  const { stop, silentMs } = start({ kind: 'probe' } as GpuTask, (message) => told.push(message));
  return { clock, thread, told, wedged: () => isWedged, stop, silentMs };
}

it('tells of a thread that falls silent, as timed out, and not of one that waits', () => {
  const { clock, thread, told, silentMs } = scene();
  for (let pulse = 0; pulse < 100; pulse++) {
    clock.after(PULSE_INTERVAL_MS, () => thread.emit('message', { type: 'pulse' }));
    clock.fireNext();
  }
  expect(told).toEqual([]);
  expect(clock.monotonicMs()).toBe(100 * PULSE_INTERVAL_MS);
  expect(silentMs()).toBe(0);
  clock.fireNext();
  expect(silentMs()).toBe(120_000);
  expect(clock.monotonicMs()).toBe(100 * PULSE_INTERVAL_MS + 120_000);
  const [message] = told;
  expect(message).toMatchObject({ type: 'failed', error: { code: 'AGENT.GPU_THREAD_SILENT' } });
  if (message?.type === 'failed') expect(failureClass(fromThreadError(message.error))).toBe('timed_out');
});

it('ends a thread that does not stop, and gives it up where it cannot be ended', async () => {
  const { clock, thread, wedged, stop } = scene();
  const stopped = stop();
  expect(thread.posted).toEqual([{ type: 'stop' }]);
  await clock.run(stopped, 60_000);
  expect(thread.terminated).toBe(true);
  expect(wedged()).toBe(true);
  expect(clock.monotonicMs()).toBe(10_000);
});

it('waits for a thread that stops in time, and leaves no timer behind', async () => {
  const { clock, thread, wedged, stop } = scene();
  const stopped = stop();
  thread.emit('exit', 0);
  await stopped;
  expect(wedged()).toBe(false);
  expect(thread.terminated).toBe(false);
  expect(clock.fireNext()).toBe(false);
});

it('takes a timer that is late for a sign that this process stood still, not the thread', () => {
  const { clock, thread, told } = scene();
  // A stop of ten minutes: the timer fires before the pulses that wait are read.
  clock.standStill(600_000);
  clock.fireNext();
  expect(told).toEqual([]);
  thread.emit('message', { type: 'pulse' });
  clock.fireNext();
  expect(told).toMatchObject([{ type: 'failed', error: { code: 'AGENT.GPU_THREAD_SILENT' } }]);
});

it('tells who gives memory back when a thread starts, and when it has ended', () => {
  const thread = new FakeThread();
  const told: string[] = [];
  const memory = { threadStarted: () => told.push('started'), threadEnded: () => told.push('ended') };
  const start = gpuThreadStarter({ clock: new FakeClock(), open: () => thread, onWedged: () => undefined, memory });
  void start({ kind: 'probe' } as GpuTask, () => undefined).stop();
  expect(told).toEqual(['started']);
  thread.emit('exit', 0);
  expect(told).toEqual(['started', 'ended']);
});
