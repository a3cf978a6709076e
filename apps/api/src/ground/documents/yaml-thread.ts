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

  private async parseNow(text: string): Promise<ParsedYaml | Unparsed> {
    const worker = (this.worker ??= startWorker());
    const answer = await new Promise<ParsedYaml | Unparsed>((resolve) => {
      const settle = (parsed: ParsedYaml | Unparsed): void => {
        cancel();
        worker.off('message', settle).off('exit', ended);
        resolve(parsed);
      };
      // It ran out of the memory that it may use.
      const ended = (): void => settle('too slow');
      const cancel = this.options.clock.after(this.options.timeoutMs, ended);
      worker.on('message', settle).on('exit', ended);
      worker.postMessage(text);
    });
    if (typeof answer === 'string') await this.close();
    return answer;
  }
}

function startWorker(): Worker {
  const worker = new Worker(workerFile(__dirname, 'yaml-worker'), {
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });
  // What ended it is told by its exit; an error must not reach the process.
  worker.on('error', () => undefined);
  worker.unref();
  return worker;
}
