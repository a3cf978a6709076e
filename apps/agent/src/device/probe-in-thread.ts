import { type AppError, type Clock, within } from '@millrace/core';
import type { GpuTask } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import { fromThreadError } from '../worker/thread-error';
import type { FromWorker } from '../worker/worker-messages';
import { probeLate } from './device.errors';

/** How long the driver may take in all, from a monotonic time on: a second try has what the first one left. */
export interface ProbeLimit {
  readonly limitMs: number;
  readonly sinceMs: number;
}

export interface ProbeOptions<T> {
  readonly startThread: StartGpuThread;
  readonly clock: Clock;
  readonly task: GpuTask;
  readonly limit: ProbeLimit;
  /** Finds in a message of the thread what it was asked for. */
  readonly result: (message: FromWorker) => T | undefined;
  /** Called while the device is open and holds memory. */
  readonly whileOpen?: (result: T) => Promise<void>;
}

/**
 * Opens the device on a thread of its own, which is gone when this settles.
 * @throws AppError RUNTIME.NO_ADAPTER, AGENT.DEVICE_PROBE_LATE, …
 */
export async function probeInThread<T>({
  startThread,
  clock,
  task,
  limit: { limitMs, sinceMs },
  result,
  whileOpen = () => Promise.resolve(),
}: ProbeOptions<T>): Promise<T> {
  let stop: () => Promise<void> = () => Promise.resolve();
  try {
    const work = new Promise<T>((resolve, reject: (error: AppError) => void) => {
      const thread = startThread(task, (message) => {
        const found = result(message);
        if (found !== undefined) resolve(found);
        if (message.type === 'failed') reject(fromThreadError(message.error));
      });
      stop = () => thread.stop();
    });
    const late = (): never => {
      throw probeLate(limitMs);
    };
    const leftMs = Math.max(0, sinceMs + limitMs - clock.monotonicMs());
    const found = await within(clock, leftMs, { work, late });
    await whileOpen(found);
    return found;
  } finally {
    await stop();
  }
}
