import type { QueuedRun } from '@millrace/scheduler';
import type { RunRecord } from '../../ledger/runs/run-record';
import type { RunShape } from './run-shape';

const GIB = 1024 ** 3;

/** `arrange` gives the ids of the best devices by rank where the planner splits the layers; see QueuedRun. */
export function queuedRun(
  run: Pick<RunRecord, 'id' | 'priority' | 'createdAt' | 'retryAt' | 'spec'>,
  { stages, schedule }: RunShape,
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
    minMemoryBytes: minMemoryGiB * GIB,
    ...(run.spec.parallel.partition === 'auto'
      ? { arrange }
      : {
          requiredBytesPerStage: schedule.stagesOfRank.map((own) =>
            own.reduce((bytes, stage) => bytes + (stages[stage]?.memoryBytes ?? 0), 0),
          ),
        }),
  };
}
