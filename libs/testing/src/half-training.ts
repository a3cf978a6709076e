import type { ModelConfig } from '@millrace/core';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { textBatch } from './token-text';
import { type InProcessResult, type InProcessTraining, trainInProcess } from './train-in-process';

/** A vocabulary in whole vectors: then a head in parts has the same kernels on software drivers. */
const GPT2: ModelConfig = {
  family: 'gpt2',
  layers: 4,
  heads: 3,
  hidden: 60,
  ffn: 152,
  context: 21,
  vocab: 204,
  tieEmbeddings: true,
  dropout: 0.1,
};
const LLAMA: ModelConfig = { ...GPT2, family: 'llama', heads: 6, kvHeads: 2, headSize: 8, tieEmbeddings: false };

/** Small models of both families, for tests of half precision. */
export const HALF_MODELS = [
  ['gpt2', GPT2],
  ['llama', LLAMA],
] as const;

/** Logits of 128 columns at a time. */
export function headInParts({ context }: ModelConfig, microBatch: number): number {
  return 4 * 128 * context * microBatch;
}

type Chosen = Pick<InProcessTraining, 'backend' | 'config' | 'microBatch'> &
  Partial<Pick<InProcessTraining, 'precision' | 'headBytesMax' | 'recompute' | 'stages' | 'steps'>>;

/** Trains in f16 unless something else is chosen, for two steps. */
export function trainInHalf(chosen: Chosen): Promise<InProcessResult> {
  const { config, microBatch } = chosen;
  const parameters = new Map(allParameters(config).map((parameter) => [parameter.name, parameter]));
  const microBatches = 2;
  const text = { ...config, microBatch, microBatches };
  return trainInProcess({
    stages: 1,
    steps: 2,
    precision: 'f16',
    // Without it most gradients of so small a model are below what f16 holds exactly.
    ...(chosen.precision === 'f32' ? {} : { lossScale: 2 ** 10 }),
    ...chosen,
    microBatches,
    weights: (name) => initialiseParameter(parameters.get(name) as ParameterDeclaration, 3),
    batch: (step, index) => textBatch(text, step, index),
    learningRate: () => 3e-3,
    optimizer: { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 },
    clip: 0.5,
    validation: [textBatch(text, 7, 0)],
  });
}
