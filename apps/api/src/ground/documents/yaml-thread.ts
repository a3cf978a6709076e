import { Worker } from 'node:worker_threads';
import type { Clock } from '@millrace/core';
import { workerFile } from '../concurrency/worker-file';
import type { ParsedYaml } from './parse-yaml';

export interface YamlThreadOptions {
  readonly clock: Clock;
  /** A document that takes longer is given up. */
  readonly timeoutMs: number;
  /** Documents that may wait for their turn. */
  readonly waitingMax: number;
}

/** Why a document was not parsed, though it may be one. */
export type Unparsed = 'busy' | 'too slow';

const HEAP_MIB_MAX = 256;

/** Parses YAML, one document at a time, on a thread that is ended where a document keeps it for too long. */
export class YamlThread {
  private worker: Worker | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(private readonly options: YamlThreadOptions) {}

  async parse(text: string): Promise<ParsedYaml | Unparsed> {
    if (this.waiting >= this.options.waitingMax) return 'busy';
    this.waiting++;
    const turn = this.last.then(() => this.parseNow(text)).finally(() => this.waiting--);
    this.last = turn;
    return turn;
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  /** Rejects where the thread fails by itself, for instance because it cannot be loaded. */
  private ask(worker: Worker, text: string): Promise<ParsedYaml | Unparsed> {
    return new Promise((resolve, reject) => {
      const settle = (parsed: ParsedYaml | Unparsed): void => {
        cancel();
        worker.off('message', settle).off('error', fail);
        resolve(parsed);
      };
      const fail = (error: unknown): void => {
        if (isOutOfMemory(error)) return settle('too slow');
        cancel();
        reject(error instanceof Error ? error : new TypeError(String(error)));
      };
      const cancel = this.options.clock.after(this.options.timeoutMs, () => settle('too slow'));
      worker.on('message', settle).on('error', fail);
      worker.postMessage(text);
    });
  }

  private async parseNow(text: string): Promise<ParsedYaml | Unparsed> {
    const worker = (this.worker ??= startWorker());
    try {
      const answer = await this.ask(worker, text);
      if (typeof answer === 'string') await this.close();
      return answer;
    } catch (error) {
      await this.close();
      throw error;
    }
  }
}

/** Where a document needs more memory than the thread may use. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function startWorker(): Worker {
  const worker = new Worker(workerFile(__dirname, 'yaml-worker'), {
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });
  // Who waits for an answer hears of an error; one that comes when nobody does must not reach the process.
  worker.on('error', () => undefined);
  worker.unref();
  return worker;
}
