import type { ModelConfig } from '@millrace/core';
import { KERNELS } from '@millrace/kernels';
import { elementCount, tensorOf } from '@millrace/tensor';
import { expect, it } from 'vitest';
import { stageSlices, wholeModel } from '../model-config';
import { allParameters } from '../parameters';
import { buildStagePrograms } from '../stage-programs';
import { buildOptimizerPrograms } from './optimizer-programs';
import { type ParameterPack, packParameters } from './parameter-packs';

const GPT2_124M: ModelConfig = {
  family: 'gpt2',
  layers: 12,
  heads: 12,
  hidden: 768,
  ffn: 3072,
  context: 1024,
  vocab: 50_257,
  tieEmbeddings: true,
};
const LLAMA_1B: ModelConfig = {
  family: 'llama',
  layers: 16,
  heads: 32,
  kvHeads: 8,
  headSize: 64,
  hidden: 2048,
  ffn: 8192,
  context: 8192,
  vocab: 128_256,
  tieEmbeddings: true,
};
const ODD: ModelConfig = { ...GPT2_124M, layers: 2, heads: 1, hidden: 3, ffn: 5, context: 2, vocab: 7 };
const MIB = 1024 * 1024;

function packsOf(config: ModelConfig): ParameterPack[] {
  return packParameters(allParameters(config));
}

it.each([ODD, GPT2_124M, LLAMA_1B])(
  'holds every parameter once, each where it may be bound (hidden $hidden)',
  (config) => {
    const packs = packsOf(config);
    const names = packs.flatMap((pack) => pack.parameters.map(({ parameter }) => parameter.name));
    expect(names.toSorted()).toEqual(
      allParameters(config)
        .map(({ name }) => name)
        .toSorted(),
    );
    for (const { parameters, length, decay } of packs) {
      let end = 0;
      for (const { parameter, offset } of parameters) {
        expect([offset % 64, parameter.decay]).toEqual([0, decay]);
        expect(offset).toBeGreaterThanOrEqual(end);
        expect(offset - end).toBeLessThan(64);
        end = offset + elementCount(parameter.shape);
      }
      expect(length).toBe(end);
    }
  },
);

it.each([GPT2_124M, LLAMA_1B])('exceeds 128 MiB only where one parameter does (hidden $hidden)', (config) => {
  for (const { parameters, length } of packsOf(config))
    if (parameters.length > 1) expect(4 * length).toBeLessThanOrEqual(128 * MIB);
});

it.each([ODD, { ...ODD, tieEmbeddings: false }, { ...ODD, family: 'llama', heads: 2, kvHeads: 1, headSize: 4 }])(
  'has no dispatch that reads a part of a pack and writes another ($family, tied $tieEmbeddings)',
  (config) => {
    const sgd = { type: 'sgd', momentum: 0.9, weightDecay: 0 } as const;
    for (const slice of [wholeModel(config), ...stageSlices(config, [0, 1, 1])]) {
      const { packs, squares, update, tied } = buildOptimizerPrograms(config, slice, { optimizer: sgd });
      const packOf = new Map(
        packs.flatMap(({ whole, parts }) =>
          [whole, ...parts.map((part) => part.declaration)].map(({ name }) => [name, whole.name]),
        ),
      );
      const stage = buildStagePrograms(config, slice, { microBatch: 1, recompute: 'full' });
      const programs = [stage.forward, stage.backwardInput, stage.backwardWeight, stage.evaluate, squares, update];
      for (const step of [...programs, ...(tied === undefined ? [] : [tied.combine])].flatMap(({ steps }) => steps)) {
        if ('clear' in step) continue;
        const packsOf = (access: string): unknown[] =>
          KERNELS[step.kernel].bindings
            .filter((binding) => binding.access === access)
            .map(({ name }) => packOf.get(tensorOf(step.tensors[name]!)));
        const written = new Set(packsOf('read_write'));
        for (const pack of packsOf('read')) expect(pack !== undefined && written.has(pack), step.kernel).toBe(false);
      }
    }
  },
);

it('takes the squares of a parameter by the same shader in every split, alone in its pack or not', () => {
  const sgd = { type: 'sgd', momentum: 0, weightDecay: 0 } as const;
  const kernelOf = (layersPerStage: readonly number[]): Map<string, string> => {
    const stages = stageSlices(GPT2_124M, layersPerStage).map((slice) =>
      buildOptimizerPrograms(GPT2_124M, slice, { optimizer: sgd }),
    );
    return new Map(
      stages.flatMap(({ squares, partials }) => {
        const kernels = new Map(
          squares.steps.flatMap((step) =>
            'clear' in step ? [] : [[tensorOf(step.tensors['partials_P']!), step.kernel] as const],
          ),
        );
        return [...partials].map(([parameter, { tensor }]) => [parameter, kernels.get(tensor)!] as const);
      }),
    );
  };
  const whole = kernelOf([12]);
  expect(whole.get('transformer.wte.weight')).toBe('sum_of_squares');
  // The first stage has no more than the two embeddings.
  expect(kernelOf([0, 6, 6])).toEqual(whole);
});

it('updates the 148 parameters of GPT-2 124M in five launches, and takes their squares in five', () => {
  const adamw = { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;
  const { update, squares, partials, partialSums } = buildOptimizerPrograms(GPT2_124M, wholeModel(GPT2_124M), {
    optimizer: adamw,
  });
  expect(partials.size).toBe(148);
  expect([update.steps.length, squares.steps.length, partialSums.length]).toEqual([5, 5, 5]);
});
