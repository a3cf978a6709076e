import { getPriority, setPriority } from 'node:os';
import { parentPort, type Transferable } from 'node:worker_threads';
import { AppError, type AppErrorOptions, assert, describeError } from '@millrace/core';

/** How a thread answers. An error that is not an AppError is a bug: it ends the thread and reaches the caller. */
export type WorkAnswer = { readonly value: unknown } | { readonly error: AppErrorOptions };

/** The buffers of an answer that are handed over instead of copied. */
export type BuffersOf<Answer> = (answer: Answer) => readonly Transferable[];

const NO_BUFFERS = (): readonly Transferable[] => [];

/** Of `nice`: the event loop is on a processor three times as long where there are too few for both. */
export const WORKER_NICENESS = 5;

/** Makes this thread execute the tasks of a WorkerPool, one at a time. */
export function serveWork<Task, Answer>(
  work: (task: Task) => Answer | Promise<Answer>,
  buffersOf: BuffersOf<Answer> = NO_BUFFERS,
): void {
  assert(parentPort !== null, 'a worker entry runs as a worker thread');
  const port = parentPort;
  // Linux alone has a priority for each thread; elsewhere this would slow the whole process down. Upwards is forbidden.
  if (process.platform === 'linux' && getPriority() < WORKER_NICENESS) setPriority(0, WORKER_NICENESS);
  const answer = async (task: Task): Promise<void> => {
    try {
      const value = await work(task);
      port.postMessage({ value } satisfies WorkAnswer, buffersOf(value));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { code, kind, message, fields, details } = error;
      const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
      port.postMessage({ error: { code, kind, message, fields, details, ...cause } } satisfies WorkAnswer);
    }
  };
  port.on('message', (task: Task) => void answer(task));
}
