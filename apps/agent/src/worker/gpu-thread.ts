import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Clock, describeError } from '@millrace/core';
import type { GpuTask } from './gpu-task';
import { threadDied } from './worker.errors';
import { toThreadError } from './thread-error';
import type { FromWorker, ToWorker } from './worker-messages';

/** A running GPU thread, from the side of the sockets. */
export interface GpuThread {
  post(message: ToWorker, transfer?: readonly ArrayBuffer[]): void;
  /** Resolves when the thread is gone. */
  stop(): Promise<void>;
}

/** Starts a thread for a task; a thread that dies by itself counts as one more `failed` message. */
export type StartGpuThread = (task: GpuTask, onMessage: (message: FromWorker) => void) => GpuThread;

/** A thread that hangs in the driver is given up after this. */
const STOP_PATIENCE_MS = 2000;

/** Threads that run the compiled gpu-worker beside this file. */
export function gpuThreadStarter(clock: Clock): StartGpuThread {
  return (task, onMessage) => {
    const worker = new Worker(join(__dirname, 'gpu-worker.js'), { workerData: task });
    let stopping = false;
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.on('message', onMessage);
    const died = (reason: string): void => {
      if (!stopping) onMessage({ type: 'failed', error: toThreadError(threadDied(reason)) });
      stopping = true;
    };
    worker.on('error', (error) => died(describeError(error)));
    worker.on('exit', (code) => died(`exit code ${code}`));
    return {
      post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
      stop: async () => {
        if (!stopping) worker.postMessage({ type: 'stop' } satisfies ToWorker);
        stopping = true;
        const cancel = clock.after(STOP_PATIENCE_MS, () => void worker.terminate());
        await exited;
        cancel();
      },
    };
  };
}
