import type { ModelConfig, StageSlice } from '@millrace/core';
import { KERNELS, type Program } from '@millrace/kernels';
import { buildStagePrograms, type StageProgramOptions } from './stage-programs';

/**
 * What one kernel run does. Its time on a device is at least each of the two values divided by what the device can do.
 */
export interface OperationWork {
  readonly flops: number;
  /** Bytes read and written. */
  readonly bytes: number;
}

/** The kernel runs of one micro-batch on a stage, by program; what is computed again counts where it is. */
export interface StageOperations {
  readonly forward: readonly OperationWork[];
  readonly backwardInput: readonly OperationWork[];
  readonly backwardWeight: readonly OperationWork[];
}

/** @throws AppError MODEL.SHAPE */
export function stageOperations(config: ModelConfig, slice: StageSlice, options: StageProgramOptions): StageOperations {
  const { forward, backwardInput, backwardWeight } = buildStagePrograms(config, slice, options);
  return {
    forward: operationsOf(forward),
    backwardInput: operationsOf(backwardInput),
    backwardWeight: operationsOf(backwardWeight),
  };
}

function operationsOf(program: Program): OperationWork[] {
  return program.steps.flatMap((step) => {
    if ('clear' in step) return [];
    const kernel = KERNELS[step.kernel];
    return [{ flops: kernel.flops(step.dims), bytes: kernel.bytes(step.dims) }];
  });
}
