import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Block, BLOCK_BYTES, type NamedShape } from '@millrace/checkpoint';
import type { Clock } from '@millrace/core';
import { workerFile } from '../../ground/concurrency/worker-file';
import { WorkerPool } from '../../ground/concurrency/worker-pool';
import { CLOCK } from '../../ground/config/api-logger';
import { importUnanswered } from './model-export.errors';
import type { ModelDescription, ModelFileTask } from './threads/model-file-worker';

/** A header of the largest size, or a block, takes a hundredth of this time. */
const TASK_MS_MAX = 60_000;
const WAITING_MAX = 64;
const HEAP_MIB_MAX = 512;
const FLOAT_BYTES = 4;

/** Reads safetensors files on a thread, which parses the header, and converts and hashes weights. */
@Injectable()
export class ModelFilesService implements OnModuleDestroy {
  private readonly threads: WorkerPool<ModelFileTask>;

  constructor(@Inject(CLOCK) clock: Clock) {
    this.threads = new WorkerPool({
      file: workerFile(`${__dirname}/threads`, 'model-file-worker'),
      clock,
      // There is only one thread, which keeps the headers of the files that are being read.
      threadsMax: 1,
      waitingMax: WAITING_MAX,
      timeoutMs: TASK_MS_MAX,
      heapMibMax: HEAP_MIB_MAX,
      unanswered: importUnanswered,
    });
  }

  /** Throws the errors of importHuggingFace and CHECKPOINT.IMPORT_BUSY. */
  describe(path: string, heads: number | undefined): Promise<ModelDescription> {
    return this.ask({ operation: 'describe', path, heads });
  }

  /** The blocks of a tensor as f32, one after the other. */
  async *blocks(path: string, { name, shape }: NamedShape): AsyncGenerator<Block> {
    const bytes = shape.reduce((product, extent) => product * extent, FLOAT_BYTES);
    for (let index = 0; index * BLOCK_BYTES < bytes; index++)
      yield await this.ask<Block>({ operation: 'block', path, tensor: name, index });
  }

  close(path: string): Promise<void> {
    return this.ask({ operation: 'close', path });
  }

  async onModuleDestroy(): Promise<void> {
    await this.threads.close();
  }

  private ask<Answer>(task: ModelFileTask): Promise<Answer> {
    return this.threads.run(task);
  }
}
