import { type Schedule, scheduleTraits, weightFollowsInput } from '@millrace/pipeline';
import { isFlushless } from './flushless-rules';
import type { RunSpec } from '../run-spec';

/**
 * What a run's schedule is made from. API and agents make it from the same numbers, and therefore have the same plan.
 */
export interface ScheduleRequest {
  readonly name: RunSpec['parallel']['schedule'];
  readonly ranks: number;
  /** The micro-batches of one step. */
  readonly microBatches: number;
  readonly chunks: number;
  readonly csv: string;
  readonly verticalSync: boolean;
  /** How many steps follow each other without a flush; 1 where each step ends with one. */
  readonly steps: number;
}

/** Virtual stages per rank. A V has two, whether the spec says so or leaves the default. */
export function chunksPerRank({ schedule, chunks }: Pick<RunSpec['parallel'], 'schedule' | 'chunks'>): number {
  return chunks === 1 ? (scheduleTraits(schedule).fixedChunks ?? 1) : chunks;
}

/** Whether ranks update before the gradient norm is known, and therefore keep a copy to roll back to. */
export function stepsOptimistically({ optimisticStep, schedule }: RunSpec['parallel']): boolean {
  return optimisticStep && scheduleTraits(schedule).optimistic;
}

/**
 * Which stages of a lowered schedule compute I and W of a micro-batch together. An optimistic step keeps the gradients
 * of the step before until that is committed, and I comes too early to change them.
 */
export function fusedStages(lowered: Schedule, parallel: RunSpec['parallel']): boolean[] {
  const may = parallel.recompute === 'full' && !stepsOptimistically(parallel);
  return weightFollowsInput(lowered).map((follows) => may && follows);
}

export function scheduleRequest({ parallel, train }: Pick<RunSpec, 'parallel' | 'train'>): ScheduleRequest {
  const { schedule, pp, dp, scheduleCsv, verticalSync } = parallel;
  return {
    name: schedule,
    ranks: pp,
    microBatches: train.batch.global / (train.batch.micro * dp),
    chunks: chunksPerRank(parallel),
    csv: scheduleCsv,
    verticalSync,
    steps: isFlushless(parallel) ? train.steps : 1,
  };
}
