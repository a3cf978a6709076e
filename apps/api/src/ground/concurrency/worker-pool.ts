import { type Transferable, Worker } from 'node:worker_threads';
import { AppError, type Clock, InvariantError } from '@millrace/core';
import { threadsStopped } from './concurrency.errors';
import type { WorkAnswer } from './serve-work';

export interface WorkerPoolOptions<Task> {
  /** The compiled entry of the threads; see workerFile. */
  readonly file: string;
  readonly clock: Clock;
  readonly threadsMax: number;
  /** How many tasks may wait for a thread. */
  readonly waitingMax: number;
  /** A task that takes longer than this once it has begun is given up, and its thread is ended. */
  readonly timeoutMs: number;
  /** A task whose thread needs more memory than this is given up as well. */
  readonly heapMibMax: number;
  /** Makes the error for a caller whose task got no answer, although the task itself may be right. */
  readonly unanswered: (why: Unanswered, task: Task) => AppError;
}

/** `busy`: too many tasks are waiting already; `too slow`: the task took too much time or memory. */
export type Unanswered = 'busy' | 'too slow';

interface Job<Task> {
  readonly task: Task;
  readonly transfer: readonly Transferable[];
  readonly resolve: (answer: WorkAnswer | Unanswered) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Threads for work that would block the event loop. They are started when they are needed, limited in number, and ended
 * if a task takes too long. Tasks begin in the order in which they were asked for.
 */
export class WorkerPool<Task> {
  private readonly idle: Worker[] = [];
  private readonly threads = new Set<Worker>();
  private readonly waiting: Job<Task>[] = [];
  private runningCount = 0;
  private closed = false;

  constructor(private readonly options: WorkerPoolOptions<Task>) {}

  /**
   * Runs a task; resolves with what the entry's function returns. `transfer` lists buffers of `task` that are handed
   * over instead of copied.
   * @throws AppError that the function threw; that of `unanswered`; API.THREADS_STOPPED
   */
  async run<Answer>(task: Task, transfer: readonly Transferable[] = []): Promise<Answer> {
    if (this.closed) throw threadsStopped();
    const { threadsMax, waitingMax, unanswered } = this.options;
    if (this.runningCount >= threadsMax && this.waiting.length >= waitingMax) throw unanswered('busy', task);
    const answer = await new Promise<WorkAnswer | Unanswered>((resolve, reject) => {
      this.waiting.push({ task, transfer, resolve, reject });
      this.beginWaiting();
    });
    if (typeof answer === 'string') throw unanswered(answer, task);
    if ('error' in answer) throw new AppError(answer.error);
    return answer.value as Answer;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const { reject } of this.waiting.splice(0)) reject(threadsStopped());
    await Promise.all([...this.threads].map((worker) => worker.terminate()));
  }

  private beginWaiting(): void {
    while (this.runningCount < this.options.threadsMax) {
      const job = this.waiting.shift();
      if (job === undefined) return;
      this.runningCount++;
      void this.attend(job);
    }
  }

  private async attend(job: Job<Task>): Promise<void> {
    const worker = this.idle.pop() ?? this.startWorker();
    try {
      const answer = await this.ask(worker, job);
      // The next task begins only when the thread has ended: otherwise there would be more threads than allowed.
      if (typeof answer === 'string') await worker.terminate();
      else if (this.threads.has(worker)) this.idle.push(worker);
      job.resolve(answer);
    } catch (error) {
      await worker.terminate();
      job.reject(this.closed ? threadsStopped() : error);
    }
    this.runningCount--;
    this.beginWaiting();
  }

  /** Rejects if the thread ends by itself, for instance because its file cannot be loaded. */
  private ask(worker: Worker, { task, transfer }: Job<Task>): Promise<WorkAnswer | Unanswered> {
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        cancel();
        worker.off('message', answered).off('error', failed).off('exit', ended);
      };
      const answered = (answer: WorkAnswer | Unanswered): void => {
        settled();
        resolve(answer);
      };
      const failed = (error: unknown): void => {
        settled();
        if (isOutOfMemory(error)) resolve('too slow');
        else reject(error instanceof Error ? error : new TypeError(String(error)));
      };
      const ended = (): void => failed(new InvariantError(`a thread of ${this.options.file} ended by itself`));
      const cancel = this.options.clock.after(this.options.timeoutMs, () => answered('too slow'));
      worker.on('message', answered).on('error', failed).on('exit', ended);
      try {
        worker.postMessage(task, transfer);
      } catch (error) {
        failed(error);
      }
    });
  }

  private startWorker(): Worker {
    const worker = new Worker(this.options.file, {
      resourceLimits: { maxOldGenerationSizeMb: this.options.heapMibMax },
    });
    this.threads.add(worker);
    // Whoever waits for an answer is told about an error; an error at any other time must not end the process.
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      this.threads.delete(worker);
      const index = this.idle.indexOf(worker);
      if (index >= 0) this.idle.splice(index, 1);
    });
    worker.unref();
    return worker;
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
