import { neededFeatures } from '@millrace/contracts';
import type { QueuedRun } from '@millrace/scheduler';
import type { RunRecord } from '../../ledger/runs/run-record';
import { memoryOn } from './plannable-device';
import type { RunOutline } from '../threads/planning-tasks';

const GIB = 1024 ** 3;

/**
 * A run in the scheduler's form. If the planner splits its layers, `outline` is left out and `arrange` returns the ids
 * of the best devices by rank; see QueuedRun.
 */
export function queuedRun(
  run: Pick<RunRecord, 'id' | 'priority' | 'createdAt' | 'retryAt' | 'spec'>,
  outline: RunOutline | undefined,
  arrange: NonNullable<QueuedRun['arrange']>,
): QueuedRun {
  const { include, exclude, labels, minMemoryGiB } = run.spec.resources;
  return {
    id: run.id,
    priority: run.priority,
    submittedAt: run.createdAt.getTime(),
    ...(run.retryAt === null ? {} : { notBefore: run.retryAt.getTime() }),
    ranks: run.spec.parallel.pp,
    include,
    exclude,
    labels,
    needs: neededFeatures(run.spec),
    minMemoryBytes: minMemoryGiB * GIB,
    ...(outline === undefined
      ? { arrange }
      : { requiredBytesPerStage: memoryOn([], outline.memory).map(({ total }) => total) }),
  };
}
