import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GPU_THREAD_SILENT_MS_MAX } from '@millrace/contracts/plain';
import { type AppError, type Clock, deadline, describeError } from '@millrace/core';
import type { GpuTask } from './gpu-task';
import { threadDied, threadSilent } from './worker.errors';
import { toThreadError } from './thread-error';
import type { FromWorker, Pulse, ToWorker } from './worker-messages';

/** A running GPU thread, from the side of the sockets. */
export interface GpuThread {
  post(message: ToWorker, transfer?: readonly ArrayBuffer[]): void;
  /** How long ago it last said anything. */
  silentMs(): number;
  /** Resolves when the thread is gone, or was given up: then `onWedged` was called. */
  stop(): Promise<void>;
}

/** Starts a thread for a task; a thread that dies by itself, or falls silent, counts as one more `failed` message. */
export type StartGpuThread = (task: GpuTask, onMessage: (message: FromWorker) => void) => GpuThread;

/** What of a Worker is used. */
export interface ThreadHandle {
  postMessage(message: ToWorker, transfer: readonly ArrayBuffer[]): void;
  terminate(): unknown;
  on(event: 'message', listener: (message: FromWorker | Pulse) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

export interface GpuThreadOptions {
  readonly clock: Clock;
  readonly open?: (task: GpuTask) => ThreadHandle;
  /** When a thread that says nothing counts as one that hangs. */
  readonly silentMs?: number;
  /** A thread hangs in the driver and cannot be ended: only the end of the process frees its device. */
  readonly onWedged: () => void;
}

/** A thread that hangs in the driver is ended after this. */
const STOP_PATIENCE_MS = 2000;
/** And the process with it when it does not end then: native code cannot be interrupted. */
const TERMINATE_PATIENCE_MS = 8000;
/** One that was silent for so long that it failed is not waited for again. */
const SILENT_PATIENCE_MS = 500;

/** Threads that run the compiled gpu-worker beside this file. */
export function gpuThreadStarter({
  clock,
  onWedged,
  silentMs = GPU_THREAD_SILENT_MS_MAX,
  open = openWorker,
}: GpuThreadOptions): StartGpuThread {
  return (task, onMessage) => {
    const worker = open(task);
    let stopping = false;
    let wasSilent = false;
    let heardMs = clock.monotonicMs();
    const exited = new Promise<void>((resolve) => worker.on('exit', () => resolve()));
    const fail = (error: AppError): void => {
      listen.cancel();
      if (!stopping) onMessage({ type: 'failed', error: toThreadError(error) });
      stopping = true;
    };
    const listen = deadline(clock, silentMs, () => {
      wasSilent = true;
      fail(threadSilent(silentMs));
    });
    worker.on('message', (message) => {
      listen.restart();
      heardMs = clock.monotonicMs();
      if (message.type !== 'pulse') onMessage(message);
    });
    worker.on('error', (error) => fail(threadDied(describeError(error))));
    worker.on('exit', (code) => fail(threadDied(`exit code ${code}`)));
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer),
      silentMs: () => clock.monotonicMs() - heardMs,
      stop: async () => {
        listen.cancel();
        if (!stopping) worker.postMessage({ type: 'stop' }, []);
        stopping = true;
        const endAfterMs = wasSilent ? 0 : STOP_PATIENCE_MS;
        const giveUpAfterMs = wasSilent ? SILENT_PATIENCE_MS : STOP_PATIENCE_MS + TERMINATE_PATIENCE_MS;
        const cancelEnd = clock.after(endAfterMs, () => void worker.terminate());
        let cancelGivingUp: () => void = () => undefined;
        const givenUp = new Promise<void>((resolve) => {
          cancelGivingUp = clock.after(giveUpAfterMs, () => {
            onWedged();
            resolve();
          });
        });
        await Promise.race([exited, givenUp]);
        cancelEnd();
        cancelGivingUp();
      },
    };
  };
}

function openWorker(task: GpuTask): ThreadHandle {
  return new Worker(join(__dirname, 'gpu-worker.js'), { workerData: task });
}
