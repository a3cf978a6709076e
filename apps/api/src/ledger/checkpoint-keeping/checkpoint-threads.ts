import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '@millrace/core';
import { workerFile } from '../../ground/concurrency/worker-file';
import { WorkerPool } from '../../ground/concurrency/worker-pool';
import { CLOCK } from '../../ground/config/api-logger';
import { partInvalid, partsIncomplete, reportsBusy } from '../blocks/checkpoint-writes.errors';
import type { StoredPlan } from '../runs/attempt-record';
import type { CheckpointTask, MergedManifest } from './threads/checkpoint-tasks';

/** The longest part, of 64 MiB, takes a twentieth of this. */
const TASK_MS_MAX = 60_000;
/** Each session sends one report after the other, so that so many agents may report at the same time. */
const WAITING_MAX = 256;
const HEAP_MIB_MAX = 1024;

/** Checks and merges the ranks' parts of checkpoints on a thread: they may have hundreds of thousands of tensors. */
@Injectable()
export class CheckpointThreads implements OnModuleDestroy {
  private readonly threads: WorkerPool<CheckpointTask>;

  constructor(@Inject(CLOCK) clock: Clock) {
    this.threads = new WorkerPool({
      file: workerFile(`${__dirname}/threads`, 'checkpoint-worker'),
      clock,
      threadsMax: 1,
      waitingMax: WAITING_MAX,
      timeoutMs: TASK_MS_MAX,
      heapMibMax: HEAP_MIB_MAX,
      unanswered: (why, task) => {
        if (why === 'busy') return reportsBusy(WAITING_MAX);
        const reason = `it took more than ${TASK_MS_MAX / 1000} s or more memory than it may`;
        return task.operation === 'check' ? partInvalid(reason) : partsIncomplete(task.step, reason);
      },
    });
  }

  /**
   * Returns a rank's part as text that can be stored. @throws AppError CHECKPOINT.PART_INVALID, CHECKPOINT.REPORTS_BUSY
   */
  check(json: string): Promise<string> {
    return this.threads.run({ operation: 'check', json });
  }

  /** @throws AppError CHECKPOINT.PARTS_INCOMPLETE, CHECKPOINT.REPORTS_BUSY */
  merge(partsJson: string, plan: StoredPlan, step: number): Promise<MergedManifest> {
    return this.threads.run({ operation: 'merge', partsJson, plan, step });
  }

  async onModuleDestroy(): Promise<void> {
    await this.threads.close();
  }
}
