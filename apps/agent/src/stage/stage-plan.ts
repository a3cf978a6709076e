import type { ModelConfig, Precision, Recompute, StageSlice } from '@millrace/core';
import type { AttemptPlan } from '@millrace/contracts';
import {
  formatsOf,
  fusedStages,
  isLossScaled,
  oldestWeightVersion,
  scheduleRequest,
  stepsOptimistically,
} from '@millrace/contracts/plain';
import {
  type DatasetSplit,
  splitValidation,
  type SampleNumbering,
  type SampleStart,
  type TokenReader,
  Sampler,
  ValidationSampler,
} from '@millrace/data';
import {
  type Action,
  executionSchedule,
  flushlessWindow,
  type Placement,
  slotSpans,
  type StagedTensors,
  type WeightUpdates,
  weightVersionsKept,
} from '@millrace/pipeline';
import { IGNORED_TARGET } from '@millrace/kernels';
import {
  boundaryBytes,
  FIRST_LOSS_SCALE,
  type LearningRateSchedule,
  type Optimizer,
  sentTiedBytes,
  stageStateBytes,
  type UpdateCounters,
  type Wire,
} from '@millrace/model';
import type { DataSource } from './stage-ports';

/** One virtual stage of a rank. */
export interface ChunkPlan {
  /** Virtual stage, 0 .. p*v-1. */
  readonly stage: number;
  readonly slice: StageSlice;
  /** Number of slots for what micro-batches keep from F to W. */
  readonly slotCount: number;
  /** Number of slots for what micro-batches keep from I to W. */
  readonly backwardSlotCount: number;
  /** Whether I and W of a micro-batch are computed together where everything is recomputed. */
  readonly fusedBackward: boolean;
}

/** One rank's part of an attempt, with every number worked out. */
export interface StagePlan {
  readonly rank: number;
  readonly ranks: number;
  readonly config: ModelConfig;
  /** In ascending order of their virtual stages. */
  readonly chunks: readonly ChunkPlan[];
  /** The slices of all virtual stages, which tell the parameter of each norm that another rank sends. */
  readonly slices: readonly StageSlice[];
  readonly placement: Placement;
  /**
   * This rank's row of the lowered schedule: the actions of a step or, without a flush, of the window that stands for a
   * run.
   */
  readonly actions: readonly Action[];
  readonly updates: WeightUpdates;
  /** How many weight versions are held at once, counting the newest: 1 where the schedule flushes. */
  readonly weightVersionCount: number;
  /** The oldest weight version that a micro-batch can use, counted in updates; without a flush only. */
  readonly oldestVersion: number;
  readonly recompute: Recompute;
  /** How values are computed, and how those in f32 cross between stages. */
  readonly precision: Precision;
  readonly wire: Wire;
  readonly microBatch: number;
  readonly microBatchCount: number;
  readonly tokensPerStep: number;
  readonly samples: SampleNumbering;
  readonly seed: number;
  readonly clip: number | undefined;
  readonly learningRate: LearningRateSchedule;
  readonly optimizer: Optimizer;
  readonly firstStep: number;
  readonly lastStep: number;
  /** As of the step before the first one. */
  readonly counters: UpdateCounters;
  readonly evalEvery: number;
  /** Micro-batches of an evaluation; 0 when there is no validation part. */
  readonly evalMicroBatchCount: number;
  readonly checkpointEvery: number;
  /** Ranks update before the gradient norm is known, and undo the update if the norm clips. */
  readonly optimisticStep: boolean;
  readonly init: 'random' | 'checkpoint' | 'weights';
  /** How long a step should take by prediction, in milliseconds; undefined where the speed of a device is not known. */
  readonly expectedStepMs: number | undefined;
}

/** Errors: PIPELINE.*, DATA.TOKENS_TOO_FEW. */
export function stagePlan(plan: AttemptPlan): StagePlan {
  const { spec, model, rank, stages } = plan;
  const { train, parallel } = spec;
  const { optimizer } = train;
  const request = scheduleRequest(spec);
  const { microBatches: microBatchCount } = request;
  const { schedule } = executionSchedule(flushlessWindow(request));
  const spans = slotSpans(schedule);
  const fused = fusedStages(schedule, parallel);
  const chunks = schedule.stagesOfRank[rank]?.map((stage) => ({
    stage,
    slice: stages[stage]!,
    slotCount: spans.fromForward[stage] ?? microBatchCount,
    backwardSlotCount: spans.fromInput[stage] ?? microBatchCount,
    fusedBackward: fused[stage] ?? false,
  }));
  return {
    rank,
    ranks: parallel.pp,
    config: model,
    chunks: chunks ?? [],
    slices: stages,
    placement: schedule,
    actions: schedule.actions[rank] ?? [],
    updates: schedule.updates,
    weightVersionCount: weightVersionsKept({ updates: schedule.updates, ranks: parallel.pp, rank }),
    oldestVersion: oldestWeightVersion(plan, plan.resume.from === 'checkpoint' ? plan.resume.manifest : undefined),
    recompute: parallel.recompute,
    ...formatsOf(spec),
    microBatch: train.batch.micro,
    microBatchCount,
    tokensPerStep: train.batch.global * model.context,
    samples: { global: train.batch.global, start: sampleStart(plan) },
    seed: train.seed,
    clip: train.clip,
    learningRate: { ...train.lr, peak: optimizer.lr, steps: train.steps },
    optimizer,
    firstStep: plan.firstStep,
    lastStep: plan.lastStep,
    counters: countersBefore(plan),
    evalEvery: train.evalEvery,
    evalMicroBatchCount: evaluationMicroBatches(plan),
    checkpointEvery: train.checkpointEvery,
    optimisticStep: stepsOptimistically(parallel),
    init: plan.resume.from,
    expectedStepMs: plan.expectedStepMs,
  };
}

/** A run whose gradients were not scaled so far begins with the first scale. */
function countersBefore({ spec, resume, firstStep }: AttemptPlan): UpdateCounters {
  const manifest = resume.from === 'checkpoint' ? resume.manifest : undefined;
  const updates = manifest?.optimizer?.step ?? firstStep - 1;
  return { updates, lossScale: isLossScaled(spec) ? (manifest?.lossScale ?? FIRST_LOSS_SCALE) : undefined };
}

/** Where a virtual stage lives: its rank, and which of that rank's chunks it is. */
export function placeOf({ placement }: StagePlan, stage: number): { rank: number; chunk: number } {
  const rank = placement.rankOfStage[stage] ?? 0;
  return { rank, chunk: placement.stagesOfRank[rank]?.indexOf(stage) ?? 0 };
}

/** What a rank copies out of its tensors. */
export function stagedTensors(plan: StagePlan): StagedTensors {
  const { config, chunks, slices, optimizer } = plan;
  return {
    stateBytes: chunks.reduce((sum, { slice }) => sum + stageStateBytes(config, slice, optimizer), 0),
    boundaryBytes: slices.length === 1 ? 0 : boundaryBytes(config, plan),
    tiedBytes: sentTiedBytes(
      config,
      chunks.map(({ slice }) => slice),
    ),
  };
}

/** Whether a rank reads tokens: inputs at the embedding, targets at the head. */
export function readsTokens({ slices, placement }: Pick<StagePlan, 'slices' | 'placement'>, rank: number): boolean {
  return slices.some(({ embedding, head }, stage) => (embedding || head) && placement.rankOfStage[stage] === rank);
}

/** The samplers of a plan over its token file. */
export function dataSource(plan: AttemptPlan, store: TokenReader): DataSource {
  const { train, data } = plan.spec;
  const { micro, global } = train.batch;
  const { context } = plan.model;
  const split = datasetSplit(plan);
  const { order } = data;
  const start = sampleStart(plan);
  const training = new Sampler({ order, seed: train.seed, tokens: split.train, context, global, start, store });
  const validation = validationSampler(plan, split, store);
  return {
    train: (step, microBatch) => training.batch(step, microBatch, micro),
    validation: (microBatch) => validation.batch(microBatch, micro),
  };
}

/** The position after the samples that the checkpoint's run had consumed; without a checkpoint the first sample. */
function sampleStart({ resume, firstStep }: AttemptPlan): SampleStart {
  const sample = resume.from === 'checkpoint' ? resume.manifest.dataPosition.samples : 0;
  return { step: firstStep, sample };
}

function datasetSplit(plan: AttemptPlan): DatasetSplit {
  return splitValidation(plan.dataset.tokens, plan.spec.data.validation, plan.model.context);
}

function validationSampler(plan: AttemptPlan, split: DatasetSplit, store: TokenReader): ValidationSampler {
  const { batch, evalBatches } = plan.spec.train;
  const tokens = plan.spec.data.validation > 0 ? split.validation : split.train;
  const { context } = plan.model;
  return new ValidationSampler({
    tokens,
    context,
    global: batch.global,
    evalBatches,
    ignoredTarget: IGNORED_TARGET,
    store,
  });
}

/** Computed from the plan: a stage between the ends must count the batches, but does not have the tokens. */
function evaluationMicroBatches(plan: AttemptPlan): number {
  if (plan.spec.data.validation === 0) return 0;
  return validationSampler(plan, datasetSplit(plan), { read: () => new Uint32Array(0) }).microBatchCount(
    plan.spec.train.batch.micro,
  );
}
