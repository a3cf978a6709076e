import { availableParallelism } from 'node:os';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '@millrace/core';
import { workerFile } from '../../ground/concurrency/worker-file';
import { WorkerPool } from '../../ground/concurrency/worker-pool';
import { CLOCK } from '../../ground/config/api-logger';
import type { PlanningOperation, PlanningTask, PlanningWork } from '../threads/planning-tasks';
import { planningBusy, planningTooSlow } from './planning.errors';

/**
 * Who waits for an answer: a run that is about to start, or somebody who asks what would happen. Each has threads of
 * its own, so that no question makes a run wait.
 */
export type PlanningLane = 'runs' | 'questions';

/** One core is left to the event loop, and more threads than this would only cost memory. */
const THREADS_MAX = Math.min(4, Math.max(1, availableParallelism() - 1));
const QUESTION_THREADS = 1;
const WAITING_MAX = 256;
/** The planner's work is bounded: the largest schedule over as many unequal devices takes a few seconds. */
const PLANNING_MS_MAX = 60_000;
const HEAP_MIB_MAX = 1024;

/** Makes shapes, plans, proofs and simulations of runs on threads, since they take from milliseconds to seconds. */
@Injectable()
export class PlanningThreads implements OnModuleDestroy {
  private readonly lanes: Readonly<Record<PlanningLane, WorkerPool<PlanningTask>>>;

  constructor(@Inject(CLOCK) clock: Clock) {
    const pool = (threadsMax: number): WorkerPool<PlanningTask> =>
      new WorkerPool({
        file: workerFile(`${__dirname}/../threads`, 'planning-worker'),
        clock,
        threadsMax,
        waitingMax: WAITING_MAX,
        timeoutMs: PLANNING_MS_MAX,
        heapMibMax: HEAP_MIB_MAX,
        unanswered: (why) => (why === 'busy' ? planningBusy(WAITING_MAX) : planningTooSlow(PLANNING_MS_MAX / 1000)),
      });
    this.lanes = { runs: pool(THREADS_MAX), questions: pool(QUESTION_THREADS) };
  }

  /** Throws the errors of the operation, PLANNING.BUSY and PLANNING.TOO_SLOW. */
  ask<Operation extends PlanningOperation>(
    lane: PlanningLane,
    operation: Operation,
    input: Parameters<PlanningWork[Operation]>[0],
  ): Promise<ReturnType<PlanningWork[Operation]>> {
    return this.lanes[lane].run({ operation, input });
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(Object.values(this.lanes).map((threads) => threads.close()));
  }
}
