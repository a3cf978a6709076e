import type { ModelConfig, StageSlice } from '@millrace/core';
import { formatsOf, fusedStages, type RunSpec, scheduleRequest, stepsOptimistically } from '@millrace/contracts';
import {
  boundaryBytes,
  sentTiedBytes,
  type StageMemoryBytes,
  stageMemoryBytes,
  stageOperations,
  type StageOperations,
  stageParameterCount,
  type StageProgramOptions,
  stageSlices,
  stageStateBytes,
} from '@millrace/model';
import {
  executionSchedule,
  flushlessWindow,
  partitionLayers,
  type Schedule,
  type ScheduleProof,
  slotSpans,
  stagingBytes,
  weightVersionsKept,
} from '@millrace/pipeline';

export interface StageShape extends StageSlice {
  /** Number of trained parameters. */
  readonly parameters: number;
  /** Device memory that the stage takes at its peak, besides what its rank stages. */
  readonly memoryBytes: number;
  readonly memory: StageMemoryBytes;
  /** What a checkpoint takes of it. */
  readonly stateBytes: number;
  /** The operations of one micro-batch. */
  readonly operations: StageOperations;
}

/** Device memory of a rank at its peak, in bytes: what its agent allocates. */
export interface RankMemory {
  /** Of all versions that are held at once. */
  readonly weights: number;
  readonly gradients: number;
  /** Its state, and the sums for the norm. */
  readonly optimizer: number;
  /** What the micro-batches in flight hold. */
  readonly activations: number;
  /** Scratch, and the copy that an optimistic step can go back to. */
  readonly working: number;
  readonly evaluation: number;
  /** Buffers through which the rank's tensors leave the device. */
  readonly staging: number;
  /** What a GPU holds besides for the sums of split products; no part of the total. */
  readonly partialSums: number;
  readonly total: number;
}

/** What follows from a spec and a split. */
export interface RunShape {
  readonly model: ModelConfig;
  /** The stages by virtual stage; `schedule.rankOfStage` says on which rank each is. */
  readonly stages: readonly StageShape[];
  /** Of each rank. */
  readonly memory: readonly RankMemory[];
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
  const programs = { microBatch: spec.train.batch.micro, recompute, ...formatsOf(spec) };
  const request = scheduleRequest(spec);
  const { microBatches } = request;
  const { schedule, proof } = executionSchedule(flushlessWindow(request));
  const spans = slotSpans(schedule);
  const fused = fusedStages(schedule, spec.parallel);
  const own = partition === 'auto' ? partitionLayers(model.layers, schedule.stages) : partition;
  const slices = stageSlices(model, layersPerStage ?? own);
  const stages = slices.map((slice, stage) => {
    const options = { ...programs, fusedBackward: fused[stage] ?? false };
    const memory = stageMemoryBytes(model, slice, {
      ...options,
      optimizer: spec.train.optimizer,
      inFlight: spans.fromForward[stage] ?? microBatches,
      inBackward: spans.fromInput[stage] ?? microBatches,
      microBatches,
      evaluation: spec.data.validation > 0,
      optimisticStep: stepsOptimistically(spec.parallel),
      weightVersions: versionsOf(schedule, stage),
    });
    return {
      ...slice,
      parameters: stageParameterCount(model, slice),
      memoryBytes: memory.total,
      memory,
      stateBytes: stageStateBytes(model, slice, spec.train.optimizer),
      operations: stageOperations(model, slice, options),
    };
  });
  const memory = schedule.stagesOfRank.map((own) => memoryOfRank(own, stages, { model, programs }));
  return { model, stages, memory, microBatches, schedule, proof };
}

function versionsOf({ updates, ranks, rankOfStage }: Schedule, stage: number): number {
  return weightVersionsKept({ updates, ranks, rank: rankOfStage[stage] ?? 0 });
}

function memoryOfRank(
  own: readonly number[],
  stages: readonly StageShape[],
  { model, programs }: { readonly model: ModelConfig; readonly programs: StageProgramOptions },
): RankMemory {
  const held = own.flatMap((stage) => stages[stage] ?? []);
  const sum = (...parts: readonly (keyof StageMemoryBytes)[]): number =>
    held.reduce((bytes, { memory }) => bytes + parts.reduce((part, name) => part + memory[name], 0), 0);
  const staging = stagingBytes({
    stateBytes: held.reduce((bytes, { stateBytes }) => bytes + stateBytes, 0),
    boundaryBytes: stages.length === 1 ? 0 : boundaryBytes(model, programs),
    tiedBytes: sentTiedBytes(model, held),
  });
  return {
    weights: sum('parameters'),
    gradients: sum('gradients'),
    optimizer: sum('optimizer'),
    activations: sum('saved'),
    working: sum('scratch', 'undo'),
    evaluation: sum('evaluation'),
    staging,
    partialSums: Math.max(...held.map(({ memory }) => memory.partialSums)),
    total: sum('total') + staging,
  };
}
