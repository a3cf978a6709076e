import type { ModelConfig, StageSlice } from '@millrace/core';
import {
  KERNELS,
  PARTIAL_SUMS_MAX,
  type Program,
  splitProducts,
  type TensorDeclaration,
  type TensorRole,
} from '@millrace/kernels';
import { tensorBytes } from '@millrace/tensor';
import type { Optimizer } from './training/optimizer';
import { buildOptimizerPrograms, type OptimizerPrograms, updatedTensors } from './training/optimizer-programs';
import { buildStagePrograms, type StageProgramOptions, type StagePrograms } from './stage-programs';

/** How many losses of an evaluation are read back together. */
export const EVALUATION_RING = 8;

function declaredBytes(declarations: readonly TensorDeclaration[]): number {
  return declarations.reduce((sum, { shape, dtype }) => sum + tensorBytes(shape, dtype), 0);
}

/** Bytes of device memory, counted from the declarations of the programs themselves. */
export interface StageMemoryBytes {
  /** Of all weight versions together, and copies in f16. */
  readonly parameters: number;
  readonly gradients: number;
  /** Moments, the partial sums, and what the host writes: scalars and constants. */
  readonly optimizer: number;
  /** What all micro-batches in flight keep. */
  readonly saved: number;
  /** What an evaluation needs that training does not. */
  readonly evaluation: number;
  /** The part of it that is scratch. */
  readonly evaluationScratch: number;
  readonly scratch: number;
  /** The copy that an optimistic step rolls back to. */
  readonly undo: number;
  /**
   * What a GPU holds for the sums of split products, once for all stages of a rank. It is no part of the total:
   * software drivers split none.
   */
  readonly partialSums: number;
  readonly total: number;
}

export interface StageLoad extends StageProgramOptions {
  readonly optimizer: Optimizer;
  /** Micro-batches between their F and their W. */
  readonly inFlight: number;
  /** Micro-batches between their I and their W: one if W follows I. By default as many as `inFlight`. */
  readonly inBackward?: number;
  /** Loss tensors of a head, which are read once per step. By default as many as `inFlight`. */
  readonly microBatches?: number;
  /** Whether the run has a validation part. */
  readonly evaluation?: boolean;
  /** Whether the stage updates before the gradient norm is known. */
  readonly optimisticStep?: boolean;
  /** How many weight versions are held at once, counting the newest: more than one if the schedule does not flush. */
  readonly weightVersions?: number;
}

/** Device memory of one micro-batch. */
export interface KeptBytes {
  /** From its F to the end of its W: inputs, outputs and saved tensors. */
  readonly fromForward: number;
  /** From its I to the end of its W: gradients, and what I computed again for W. */
  readonly fromInput: number;
  /** Shared by all programs, that of an evaluation among them; it grows with what I computes again for itself. */
  readonly scratch: number;
}

/** What a micro-batch keeps under a recompute setting. */
export function keptBytes(config: ModelConfig, slice: StageSlice, options: StageProgramOptions): KeptBytes {
  const stage = buildStagePrograms(config, slice, options);
  return {
    fromForward: declaredBytes(stage.kept),
    fromInput: declaredBytes(stage.deferred),
    scratch: declaredBytes(stage.tensors('scratch')),
  };
}

/** The memory that a stage needs. */
export function stageMemoryBytes(config: ModelConfig, slice: StageSlice, load: StageLoad): StageMemoryBytes {
  const { inFlight, inBackward = inFlight, microBatches = inFlight } = load;
  const stage = buildStagePrograms(config, slice, load);
  const optimizerPrograms = buildOptimizerPrograms(config, slice, load);
  const packs = optimizerPrograms.packs.map(({ whole }) => whole);
  const isWeight = ({ role }: TensorDeclaration): boolean => role === 'parameter' || role === 'copy';
  const ofOptimizer = withoutParts(optimizerPrograms).filter((tensor) => !isWeight(tensor));
  const gradients = declaredBytes(ofOptimizer.filter(({ role }) => role === 'gradient'));
  const held = (...roles: readonly TensorRole[]): number =>
    roles.reduce((sum, role) => sum + declaredBytes(stage.trainingTensors(role)), 0);
  const optimizer = declaredBytes(ofOptimizer) - gradients + held('scalar', 'constant');
  const stashed = held('parameter') * ((load.weightVersions ?? 1) - 1);
  const weights = declaredBytes(packs.filter(({ role }) => role === 'parameter'));
  const parameters = weights + stashed + held('copy');
  const scratch = held('scratch');
  const loss = stage.loss === undefined ? 0 : declaredBytes([stage.loss]);
  const { evaluation, evaluationScratch } =
    load.evaluation === true ? evaluationBytes(stage, loss) : { evaluation: 0, evaluationScratch: 0 };
  const undo = load.optimisticStep === true ? declaredBytes(updatedTensors(optimizerPrograms)) : 0;
  const saved =
    inFlight * (declaredBytes(stage.kept) - loss) + microBatches * loss + inBackward * declaredBytes(stage.deferred);
  const total = parameters + gradients + optimizer + saved + evaluation + scratch + undo;
  const partialSums = partialSumsBytes(stage);
  return { parameters, gradients, optimizer, saved, evaluation, evaluationScratch, scratch, undo, partialSums, total };
}

/** An evaluation has no product that F has not. */
function partialSumsBytes({ forward, backwardInput, backwardWeight }: StagePrograms): number {
  const isSplit = [forward, backwardInput, backwardWeight].some(
    (program) => splitProducts(program, { adapterClass: 'gpu' }).steps.length > program.steps.length,
  );
  return isSplit ? tensorBytes([PARTIAL_SUMS_MAX], 'f32') : 0;
}

/** What an optimizer needs memory for: the parts of a pack have none of their own. */
function withoutParts(programs: OptimizerPrograms): TensorDeclaration[] {
  const parts = new Set(programs.packs.flatMap((pack) => pack.parts.map(({ declaration }) => declaration.name)));
  return programs.tensors().filter(({ name }) => !parts.has(name));
}

/**
 * An evaluation has its own input and output, so that it does not wait for those of training. All else it shares with
 * training, which may not have it.
 */
function evaluationBytes(
  { evaluate, trainingTensors }: StagePrograms,
  loss: number,
): Pick<StageMemoryBytes, 'evaluation' | 'evaluationScratch'> {
  const shared = new Set(trainingTensors().map(({ name }) => name));
  const crosses = ({ role }: TensorDeclaration): boolean => role === 'input' || role === 'output';
  const own = declaredBytes(evaluate.tensors.filter(crosses));
  const evaluationScratch = declaredBytes(evaluate.tensors.filter((each) => !crosses(each) && !shared.has(each.name)));
  const losses = loss === 0 ? 0 : (EVALUATION_RING - 1) * loss;
  return { evaluation: own + losses + evaluationScratch, evaluationScratch };
}

export interface StageWork {
  readonly forward: number;
  readonly backwardInput: number;
  readonly backwardWeight: number;
}

function flops(program: Program): number {
  return program.steps.reduce((sum, step) => sum + ('clear' in step ? 0 : KERNELS[step.kernel].flops(step.dims)), 0);
}

/** Floating-point operations of one micro-batch on a stage, by program; what is computed again counts where it is. */
export function stageFlops(config: ModelConfig, slice: StageSlice, options: StageProgramOptions): StageWork {
  const stage = buildStagePrograms(config, slice, options);
  return {
    forward: flops(stage.forward),
    backwardInput: flops(stage.backwardInput),
    backwardWeight: flops(stage.backwardWeight),
  };
}
