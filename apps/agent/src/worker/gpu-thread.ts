import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GPU_THREAD_SILENT_MS_MAX } from '@millrace/contracts/plain';
import { type AppError, type Clock, deadline, describeError, within } from '@millrace/core';
import type { FreedMemory } from '../memory/freed-memory';
import type { GpuTask } from './gpu-task';
import { threadDied, threadSilent } from './worker.errors';
import { toThreadError } from './thread-error';
import type { FromWorker, Pulse, ToWorker } from './worker-messages';

/** A running GPU thread, as the thread with the sockets sees it. */
export interface GpuThread {
  post(message: ToWorker, transfer?: readonly ArrayBuffer[]): void;
  /** For how many milliseconds it has said nothing. */
  silentMs(): number;
  /** Resolves when the thread has ended, or was given up, in which case `onWedged` was called. */
  stop(): Promise<void>;
}

/** Starts a thread for a task. If it ends by itself or falls silent, that counts as one more `failed` message. */
export type StartGpuThread = (task: GpuTask, onMessage: (message: FromWorker) => void) => GpuThread;

/** The part of a Worker that is used. */
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
  /** A thread that says nothing for so long counts as hanging. */
  readonly silentMs?: number;
  /** Called when a thread hangs in the driver and cannot be ended: only the end of the process frees its device. */
  readonly onWedged: () => void;
  /** Told of each thread that starts, and when its native part has ended too. */
  readonly memory?: Pick<FreedMemory, 'threadStarted' | 'threadEnded'>;
}

/** A thread that has not stopped after this time is terminated. */
const STOP_PATIENCE_MS = 2000;
/** If that fails for so long, the whole process ends: native code cannot be interrupted. */
const TERMINATE_PATIENCE_MS = 8000;
/** A thread that failed because it was silent for long gets only this time to stop. */
const SILENT_PATIENCE_MS = 500;

/** Starts threads that run the compiled gpu-worker beside this file. */
export function gpuThreadStarter({
  clock,
  onWedged,
  silentMs = GPU_THREAD_SILENT_MS_MAX,
  open = openWorker,
  memory,
}: GpuThreadOptions): StartGpuThread {
  return (task, onMessage) => {
    const worker = open(task);
    memory?.threadStarted();
    worker.on('exit', () => memory?.threadEnded());
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
        await within(clock, giveUpAfterMs, { work: exited, late: onWedged });
        cancelEnd();
      },
    };
  };
}

function openWorker(task: GpuTask): ThreadHandle {
  return new Worker(join(__dirname, 'gpu-worker.js'), { workerData: task });
}
