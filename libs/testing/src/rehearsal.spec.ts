import { type ModelConfig, RECOMPUTE_SETTINGS, systemClock } from '@millrace/core';
import { KERNELS, type Operation, type Program, type TensorDeclaration } from '@millrace/kernels';
import { buildOptimizerPrograms, buildStagePrograms, wholeModel } from '@millrace/model';
import { fitProgram, openNullBackend, type WebGpuBackend } from '@millrace/runtime';
import { type TensorRef, tensorOf, viewOf } from '@millrace/tensor';
import { afterEach, beforeEach, expect, it } from 'vitest';

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

const MODELS: readonly [name: string, config: ModelConfig, microBatch: number][] = [
  ['GPT-2 124M, 4 x 1024', GPT2_124M, 4],
  ['GPT-2 1.5B, 4 x 1024', GPT2_1500M, 4],
  ['Llama 1B, 4 x 1024', { ...LLAMA_1B, context: 1024 }, 4],
  ['Llama 1B, 1 x 8192', LLAMA_1B, 1],
  ['Llama 8B, 4 x 1024', { ...LLAMA_8B, context: 1024 }, 4],
  ['Llama 8B, 1 x 4096', { ...LLAMA_8B, context: 4096 }, 1],
];

/** The device has 512 MiB in all, and the gradient of SwiGLU binds five tensors. */
const BINDING_BYTES = 96 * 1024 * 1024;
/** Sums of squares bind one large tensor, a pack of parameters that fills the least binding. */
const SQUARES_BINDING_BYTES = 128 * 1024 * 1024;

/**
 * Their squares [B,H,T,T] exceed every limit at these contexts, and cannot be cut: training such contexts needs kernels
 * without squares.
 */
function isAttention({ kernel }: Operation): boolean {
  return kernel.startsWith('attention_');
}

function programsOf(config: ModelConfig, microBatch: number): Program[] {
  const slice = wholeModel(config);
  const stages = RECOMPUTE_SETTINGS.map((recompute) => buildStagePrograms(config, slice, { microBatch, recompute }));
  const adamw = { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;
  const momentum = { type: 'sgd', momentum: 0.9, weightDecay: 0 } as const;
  const optimizers = [adamw, momentum].map((optimizer) => buildOptimizerPrograms(config, slice, { optimizer }));
  return [
    ...stages.flatMap(({ forward, backwardInput, backwardWeight, evaluate, logits }) => [
      forward,
      backwardInput,
      backwardWeight,
      evaluate,
      ...(logits === undefined ? [] : [logits]),
    ]),
    ...optimizers.flatMap(({ squares, update, tied }) => [
      squares,
      update,
      ...(tied === undefined ? [] : [tied.combine]),
    ]),
  ];
}

/** A program of this operation alone, each of whose tensors is as large as a view of the operation. */
function alone(operation: Operation, program: Program): Program {
  const declarations = new Map(program.tensors.map((declaration) => [declaration.name, declaration]));
  const tensors = new Map<string, TensorDeclaration>();
  const own = (ref: TensorRef): string => {
    const { shape, dtype } = declarations.get(tensorOf(ref))!;
    const { tensor, offset, length } = viewOf(ref, shape);
    const name = `${tensor} ${offset} ${length}`;
    tensors.set(name, { name, shape: [length], dtype, role: 'scratch' });
    return name;
  };
  const bound = KERNELS[operation.kernel].bindings.map(({ name }) => [name, own(operation.tensors[name]!)]);
  const step = { ...operation, tensors: Object.fromEntries(bound) as Operation['tensors'] };
  return { name: operation.kernel, tensors: [...tensors.values()], steps: [step] };
}

let backend: WebGpuBackend;
beforeEach(async () => {
  backend = await openNullBackend(systemClock);
});
afterEach(() => backend.destroy());

async function rehearse(program: Program): Promise<void> {
  const tensors = new Map(program.tensors.map((declaration) => [declaration.name, backend.allocate(declaration)]));
  backend.run(await backend.bind(program, tensors));
  await backend.finish();
  for (const tensor of tensors.values()) backend.release(tensor);
}

it.each(MODELS)(
  'every dispatch of %s is valid on a device with the least limits',
  async (_, config, microBatch) => {
    const rehearsed = new Set<string>();
    for (const program of programsOf(config, microBatch)) {
      const operations = program.steps.filter((step): step is Operation => 'kernel' in step && !isAttention(step));
      const bindingBytes = program.name === 'squares' ? SQUARES_BINDING_BYTES : BINDING_BYTES;
      const fitting = fitProgram({ ...program, steps: operations }, bindingBytes);
      for (const step of fitting.steps as Operation[]) {
        const single = alone(step, program);
        const key = JSON.stringify([step.kernel, step.dims, single.tensors.map(({ shape }) => shape)]);
        if (rehearsed.has(key)) continue;
        rehearsed.add(key);
        await rehearse(single);
      }
    }
    expect(rehearsed.size).toBeGreaterThan(40);
    expect(backend.allocatedBytes()).toBe(0);
  },
  240_000,
);
