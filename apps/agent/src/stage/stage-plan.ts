import type { AttemptPlan } from '@millrace/contracts';
import { type DatasetSplit, splitValidation, type TokenReader, Sampler, ValidationSampler } from '@millrace/data';
import { type Action, executionSchedule, slotSpans } from '@millrace/pipeline';
import type { LearningRateSchedule, ModelConfig, Optimizer, Recompute, StageSlice } from '@millrace/model';
import type { DataSource } from './stage-ports';

/** One rank's part of an attempt, with every number worked out. */
export interface StagePlan {
  readonly rank: number;
  readonly ranks: number;
  readonly config: ModelConfig;
  readonly slice: StageSlice;
  /** Slices of all ranks, for the names that their norms come under. */
  readonly slices: readonly StageSlice[];
  /** This rank's row of the lowered schedule. */
  readonly actions: readonly Action[];
  /** Slots for what micro-batches keep from F to W. */
  readonly slotCount: number;
  /** Slots for what they keep from I to W. */
  readonly backwardSlotCount: number;
  readonly recompute: Recompute;
  readonly microBatch: number;
  readonly microBatchCount: number;
  readonly tokensPerStep: number;
  readonly seed: number;
  readonly clip: number | undefined;
  readonly learningRate: LearningRateSchedule;
  readonly optimizer: Optimizer;
  readonly firstStep: number;
  readonly lastStep: number;
  readonly evalEvery: number;
  /** Global batches of an evaluation; 0 when there is no validation part. */
  readonly evalBatchCount: number;
  readonly checkpointEvery: number;
  readonly init: 'random' | 'checkpoint' | 'weights';
}

/** Errors: PIPELINE.*, DATA.TOKENS_TOO_FEW. */
export function stagePlan(plan: AttemptPlan): StagePlan {
  const { spec, model, rank, stages } = plan;
  const { train, parallel } = spec;
  const { optimizer } = train;
  const microBatchCount = train.batch.global / train.batch.micro;
  const { schedule } = executionSchedule({
    name: parallel.schedule,
    ranks: stages.length,
    microBatches: microBatchCount,
    chunks: parallel.chunks,
  });
  const spans = slotSpans(schedule);
  return {
    rank,
    ranks: stages.length,
    config: model,
    slice: stages[rank]!,
    slices: stages,
    actions: schedule.actions[rank] ?? [],
    slotCount: spans.fromForward[rank] ?? microBatchCount,
    backwardSlotCount: spans.fromInput[rank] ?? microBatchCount,
    recompute: parallel.recompute,
    microBatch: train.batch.micro,
    microBatchCount,
    tokensPerStep: train.batch.global * model.context,
    seed: train.seed,
    clip: train.clip,
    learningRate: { ...train.lr, peak: optimizer.lr, steps: train.steps },
    optimizer,
    firstStep: plan.firstStep,
    lastStep: plan.lastStep,
    evalEvery: train.evalEvery,
    evalBatchCount: evaluationBatches(plan),
    checkpointEvery: train.checkpointEvery,
    init: plan.resume.from,
  };
}

/** The samplers of a plan over its token file. */
export function dataSource(plan: AttemptPlan, store: TokenReader): DataSource {
  const { train, data } = plan.spec;
  const { micro, global } = train.batch;
  const { context } = plan.model;
  const split = datasetSplit(plan);
  const training = new Sampler({ order: data.order, seed: train.seed, tokens: split.train, context, global, store });
  const validation = validationSampler(plan, split, store);
  return {
    train: (step, microBatch) => training.batch(step, microBatch, micro),
    validation: (batchIndex, microBatch) => validation.batch(batchIndex, microBatch, micro),
  };
}

function datasetSplit(plan: AttemptPlan): DatasetSplit {
  return splitValidation(plan.dataset.tokens, plan.spec.data.validation, plan.model.context);
}

function validationSampler(plan: AttemptPlan, split: DatasetSplit, store: TokenReader): ValidationSampler {
  const { batch, evalBatches } = plan.spec.train;
  const tokens = plan.spec.data.validation > 0 ? split.validation : split.train;
  return new ValidationSampler({ tokens, context: plan.model.context, global: batch.global, evalBatches, store });
}

/** A stage between the ends counts batches without having the tokens. */
function evaluationBatches(plan: AttemptPlan): number {
  if (plan.spec.data.validation === 0) return 0;
  return validationSampler(plan, datasetSplit(plan), { read: () => new Uint32Array(0) }).batchCount;
}
