import { KERNELS, type Program, type TensorDeclaration } from '@millrace/kernels';
import { tensorBytes } from '@millrace/tensor';
import type { ModelConfig, StageSlice } from './model-config';
import { buildOptimizerPrograms } from './training/optimizer-programs';
import { buildStagePrograms } from './stage-programs';

function declaredBytes(declarations: readonly TensorDeclaration[]): number {
  return declarations.reduce((sum, { shape, dtype }) => sum + tensorBytes(shape, dtype), 0);
}

/** Bytes of device memory, counted from the declarations of the programs themselves. */
export interface StageMemory {
  readonly parameters: number;
  /** Gradients, moments, scalars and the partial sums. */
  readonly optimizer: number;
  /** What all micro-batches in flight keep: inputs, outputs, saved and deferred tensors. */
  readonly saved: number;
  readonly scratch: number;
  readonly total: number;
}

const PER_MICRO_BATCH = ['input', 'output', 'saved', 'deferred'] as const;

export interface StageLoad {
  /** Sequences of a micro-batch. */
  readonly microBatch: number;
  /** Micro-batches between their F and their W. */
  readonly inFlight: number;
}

/** Memory that a stage takes. */
export function stageMemoryBytes(config: ModelConfig, slice: StageSlice, load: StageLoad): StageMemory {
  const { microBatch, inFlight } = load;
  const stage = buildStagePrograms(config, slice, microBatch);
  const optimizerPrograms = buildOptimizerPrograms(config, slice);
  const optimizer = declaredBytes(optimizerPrograms.tensors().filter(({ role }) => role !== 'parameter'));
  const parameters = declaredBytes(stage.tensors('parameter'));
  const saved = inFlight * PER_MICRO_BATCH.reduce((sum, role) => sum + declaredBytes(stage.tensors(role)), 0);
  const scratch = declaredBytes(stage.tensors('scratch'));
  return { parameters, optimizer, saved, scratch, total: parameters + optimizer + saved + scratch };
}

export interface StageWork {
  readonly forward: number;
  readonly backwardInput: number;
  readonly backwardWeight: number;
}

function flops(program: Program): number {
  return program.steps.reduce((sum, step) => sum + ('clear' in step ? 0 : KERNELS[step.kernel].flops(step.dims)), 0);
}

/** Floating-point operations of one micro-batch on a stage, by program. */
export function stageFlops(config: ModelConfig, slice: StageSlice, microBatch: number): StageWork {
  const stage = buildStagePrograms(config, slice, microBatch);
  return {
    forward: flops(stage.forward),
    backwardInput: flops(stage.backwardInput),
    backwardWeight: flops(stage.backwardWeight),
  };
}
