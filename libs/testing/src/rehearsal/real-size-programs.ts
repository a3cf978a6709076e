import { type ModelConfig, type Precision, RECOMPUTE_SETTINGS } from '@millrace/core';
import type { Program } from '@millrace/kernels';
import { buildOptimizerPrograms, buildStagePrograms, wholeModel } from '@millrace/model';

/** One block stands for all: they run the same operations on the same sizes. */
const GPT2_124M: ModelConfig = {
  family: 'gpt2',
  layers: 1,
  heads: 12,
  hidden: 768,
  ffn: 3072,
  context: 1024,
  vocab: 50_257,
  tieEmbeddings: true,
};
const GPT2_1500M: ModelConfig = { ...GPT2_124M, heads: 25, hidden: 1600, ffn: 6400 };
const LLAMA_1B: ModelConfig = {
  family: 'llama',
  layers: 1,
  heads: 32,
  kvHeads: 8,
  headSize: 64,
  hidden: 2048,
  ffn: 8192,
  context: 8192,
  vocab: 128_256,
  tieEmbeddings: true,
};
const LLAMA_8B: ModelConfig = { ...LLAMA_1B, headSize: 128, hidden: 4096, ffn: 14_336, tieEmbeddings: false };

/** What is trained at real sizes, by name, with the sequences of a micro-batch. */
export const REAL_SIZES: readonly [name: string, config: ModelConfig, microBatch: number][] = [
  ['GPT-2 124M, 4 x 1024', GPT2_124M, 4],
  ['GPT-2 124M, 1 x 8192', { ...GPT2_124M, context: 8192 }, 1],
  ['GPT-2 1.5B, 4 x 1024', GPT2_1500M, 4],
  ['GPT-2 1.5B, 1 x 4096', { ...GPT2_1500M, context: 4096 }, 1],
  ['Llama 1B, 4 x 1024', { ...LLAMA_1B, context: 1024 }, 4],
  ['Llama 1B, 1 x 8192', LLAMA_1B, 1],
  ['Llama 8B, 4 x 1024', { ...LLAMA_8B, context: 1024 }, 4],
  ['Llama 8B, 1 x 4096', { ...LLAMA_8B, context: 4096 }, 1],
];

/** In f32 a sequence's queries, keys and values pass the least binding: devices of least limits train these in f16. */
export const LARGE_SIZES: typeof REAL_SIZES = [
  ['GPT-2 1.5B, 1 x 8192', { ...GPT2_1500M, context: 8192 }, 1],
  ['Llama 8B, 1 x 8192', LLAMA_8B, 1],
];

/** Every program of the model in one stage, with every setting of recompute and each optimizer. */
export function realSizePrograms(config: ModelConfig, microBatch: number, precision: Precision = 'f32'): Program[] {
  const slice = wholeModel(config);
  const stages = RECOMPUTE_SETTINGS.map((recompute) =>
    buildStagePrograms(config, slice, { microBatch, recompute, precision }),
  );
  // Text is made from one sequence at a time.
  const generating = buildStagePrograms(config, slice, { microBatch: 1, precision });
  const adamw = { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;
  const momentum = { type: 'sgd', momentum: 0.9, weightDecay: 0 } as const;
  const optimizers = [adamw, momentum].map((optimizer) =>
    buildOptimizerPrograms(config, slice, { optimizer, precision }),
  );
  const programs = [
    ...stages.flatMap(({ forward, backwardInput, backwardWeight, evaluate }) => [
      forward,
      backwardInput,
      backwardWeight,
      evaluate,
    ]),
    ...(generating.logits === undefined ? [] : [generating.logits]),
    ...optimizers.flatMap(({ squares, update, tied }) => [
      squares,
      update,
      ...(tied === undefined ? [] : [tied.combine]),
    ]),
  ];
  return programs;
}
