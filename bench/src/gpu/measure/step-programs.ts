import type { Program } from '@millrace/kernels';
import { buildOptimizerPrograms, buildStagePrograms, type Optimizer, wholeModel } from '@millrace/model';
import type { StepCase } from '../gpu-cases';

export const BENCH_OPTIMIZER: Optimizer = { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 };

/** What a step of the whole model runs, each once, on one device. */
export function stepPrograms({ config, precision, microBatch }: StepCase): Program[] {
  const slice = wholeModel(config);
  const { forward, backwardInput, backwardWeight } = buildStagePrograms(config, slice, { microBatch, precision });
  const { squares, update, tied } = buildOptimizerPrograms(config, slice, { optimizer: BENCH_OPTIMIZER, precision });
  return [forward, backwardInput, backwardWeight, ...(tied === undefined ? [] : [tied.combine]), squares, update];
}
