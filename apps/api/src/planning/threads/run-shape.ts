import type { ModelConfig, StageSlice } from '@millrace/core';
import { type RunSpec, scheduleRequest, stepsOptimistically } from '@millrace/contracts';
import {
  optimizerStates,
  stageMemoryBytes,
  stageOperations,
  type StageOperations,
  stageParameterCount,
  stageSlices,
} from '@millrace/model';
import {
  executionSchedule,
  flushlessWindow,
  partitionLayers,
  type Schedule,
  type ScheduleProof,
  slotSpans,
  weightVersionsKept,
} from '@millrace/pipeline';

const FLOAT_BYTES = 4;

export interface StageShape extends StageSlice {
  /** Number of trained parameters. */
  readonly parameters: number;
  /** Device memory that the stage takes at its peak, besides what its rank stages. */
  readonly memoryBytes: number;
  /** The part of it that one version of the weights and the optimizer's state take. */
  readonly stateBytes: number;
  /** The operations of one micro-batch. */
  readonly operations: StageOperations;
}

/** What follows from a spec and a split. */
export interface RunShape {
  readonly model: ModelConfig;
  /** The stages by virtual stage; `schedule.rankOfStage` says on which rank each is. */
  readonly stages: readonly StageShape[];
  readonly microBatches: number;
  /** Lowered and proved. Without a flush it is the window that stands for a run of any length. */
  readonly schedule: Schedule;
  readonly proof: ScheduleProof;
}

/**
 * `layersPerStage` is what a planner chose. Without it, the spec's own split is used, or an even one until devices are
 * known. @throws AppError PIPELINE.* when there is no such schedule or partition
 */
export function shapeRun(spec: RunSpec, model: ModelConfig, layersPerStage?: readonly number[]): RunShape {
  const { partition, recompute } = spec.parallel;
  const { micro } = spec.train.batch;
  const request = scheduleRequest(spec);
  const { microBatches } = request;
  const { schedule, proof } = executionSchedule(flushlessWindow(request));
  const spans = slotSpans(schedule);
  const own = partition === 'auto' ? partitionLayers(model.layers, schedule.stages) : partition;
  const slices = stageSlices(model, layersPerStage ?? own);
  const statesPerWeight = 1 + optimizerStates(spec.train.optimizer).length;
  const stages = slices.map((slice, stage) => ({
    ...slice,
    ...sizesOf(stageParameterCount(model, slice), statesPerWeight),
    memoryBytes: stageMemoryBytes(model, slice, {
      microBatch: micro,
      recompute,
      optimizer: spec.train.optimizer,
      inFlight: spans.fromForward[stage] ?? microBatches,
      inBackward: spans.fromInput[stage] ?? microBatches,
      microBatches,
      evaluation: spec.data.validation > 0,
      optimisticStep: stepsOptimistically(spec.parallel),
      weightVersions: versionsOf(schedule, stage),
    }).total,
    operations: stageOperations(model, slice, { microBatch: micro, recompute }),
  }));
  return { model, stages, microBatches, schedule, proof };
}

function versionsOf({ updates, ranks, rankOfStage }: Schedule, stage: number): number {
  return weightVersionsKept({ updates, ranks, rank: rankOfStage[stage] ?? 0 });
}

function sizesOf(parameters: number, statesPerWeight: number): Pick<StageShape, 'parameters' | 'stateBytes'> {
  return { parameters, stateBytes: FLOAT_BYTES * statesPerWeight * parameters };
}
