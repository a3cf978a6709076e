import { type ModelConfig, RECOMPUTE_SETTINGS } from '@millrace/core';
import { KERNELS, type Operation, type Program, type TensorDeclaration } from '@millrace/kernels';
import { elementCount, tensorOf, viewProblem } from '@millrace/tensor';
import { describe, expect, it } from 'vitest';
import { stageMemoryBytes } from '../estimates';
import { stageSlices, wholeModel } from '../model-config';
import { buildStagePrograms, type StagePrograms } from '../stage-programs';
import { buildOptimizerPrograms, updatedTensors } from '../training/optimizer-programs';
import { halfPrograms } from './half-programs';

const GPT2: ModelConfig = {
  family: 'gpt2',
  layers: 2,
  heads: 2,
  hidden: 6,
  ffn: 10,
  context: 8,
  vocab: 33,
  tieEmbeddings: true,
  dropout: 0.1,
};
const LLAMA: ModelConfig = { ...GPT2, family: 'llama', heads: 4, kvHeads: 2, headSize: 4, tieEmbeddings: false };
const OPTIMIZER = { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;

function programsOf(stage: StagePrograms): Program[] {
  const { forward, backwardInput, backwardWeight, clearGradients, evaluate, logits } = stage;
  return [forward, backwardInput, backwardWeight, clearGradients, evaluate, ...(logits === undefined ? [] : [logits])];
}

/** Every operation binds tensors of its kernel's types, where it reads them, and views that may be bound. */
function checkTypes({ name, tensors, steps }: Program): void {
  const declarations = new Map(tensors.map((declaration) => [declaration.name, declaration]));
  for (const step of steps) {
    if ('clear' in step) continue;
    for (const { name: binding, dtype, flag } of KERNELS[step.kernel].bindings) {
      const ref = step.tensors[binding]!;
      const declaration = declarations.get(tensorOf(ref))!;
      if (flag === undefined || step.dims[flag] === 1)
        expect(declaration.dtype, `${name}: ${step.kernel} ${binding}`).toBe(dtype);
      if (typeof ref !== 'string') expect(viewProblem(ref, declaration)).toBeUndefined();
    }
  }
}

describe.each([
  ['gpt2', GPT2],
  ['llama', LLAMA],
] as const)('the programs of %s in f16', (_, config) => {
  const options = { microBatch: 2, precision: 'f16' } as const;

  it('bind tensors of their types for every split, recompute setting and head', () => {
    for (const recompute of RECOMPUTE_SETTINGS) {
      for (const headBytesMax of [1000, undefined]) {
        for (const slice of [wholeModel(config), ...stageSlices(config, [1, 1])]) {
          const settings = { ...options, recompute, ...(headBytesMax === undefined ? {} : { headBytesMax }) };
          for (const fusedBackward of [false, true]) {
            const stage = buildStagePrograms(config, slice, { ...settings, fusedBackward });
            programsOf(stage).forEach(checkTypes);
          }
        }
      }
    }
  });

  it('store what is as long as activations in f16, and what lasts or is summed up in f32', () => {
    const stage = buildStagePrograms(config, wholeModel(config), options);
    const types = new Map(programsOf(stage).flatMap(({ tensors }) => tensors.map(({ name, dtype }) => [name, dtype])));
    const full = [...types].filter(([, dtype]) => dtype === 'f32').map(([name]) => name);
    const lasting = /weight|bias|head_grad|rotary/;
    const summed = /(mean|rstd|lse|loss|scale)_[N1]$|logits|(^|\.)attention(\.grad)?$|^scratch\.head\.norm\.grad_NC$/;
    expect(full.filter((name) => !lasting.test(name) && !summed.test(name))).toEqual([]);
    const halves = [...types].filter(([, dtype]) => dtype === 'f16').map(([name]) => name);
    expect(halves).toEqual(expect.arrayContaining(['residual.1_NC', 'residual.1.grad_NC', 'head.norm.grad_NC']));
    expect(types.get('output.logits_NV')).toBe('f32');
  });

  it('cross the ends of a stage in f16', () => {
    const [first, last] = stageSlices(config, [1, 1]).map((slice) => buildStagePrograms(config, slice, options));
    const crossing = [first!.output, first!.outputGradient, last!.input, last!.inputGradient];
    expect(crossing.map((tensor) => tensor?.dtype)).toEqual(['f16', 'f16', 'f16', 'f16']);
    expect(first!.kept.find(({ name }) => name === first!.output?.name)?.dtype).toBe('f16');
  });

  it('read copies of the weights of products, which the update makes again', () => {
    for (const slice of [wholeModel(config), ...stageSlices(config, [1, 1])]) {
      const copies = buildStagePrograms(config, slice, options).tensors('copy');
      const { update, copyWeights, packs } = buildOptimizerPrograms(config, slice, {
        optimizer: OPTIMIZER,
        ...options,
      });
      const made = (program: Program): unknown[] =>
        program.steps.flatMap((step) => ((step as Operation).kernel === 'narrow' ? [(step as Operation).tensors] : []));
      const expected = copies.map(({ name }) => ({ x_L: name.replace(/\.f16$/, ''), y_L: name }));
      expect(new Set(made(copyWeights!))).toEqual(new Set(expected));
      expect(made(update)).toEqual(made(copyWeights!));
      // An optimistic step copies packs, in which all weights are.
      const wholes = packs.map(({ whole }) => whole.name);
      const updated = updatedTensors(buildOptimizerPrograms(config, slice, { optimizer: OPTIMIZER, ...options }));
      expect(wholes).toEqual(expect.arrayContaining(updated.map(({ name }) => name)));
    }
  });

  it('take about half the memory of activations, and copies are counted', () => {
    const load = { optimizer: OPTIMIZER, inFlight: 2, microBatch: 4 };
    const bytes = (precision: 'f32' | 'f16'): ReturnType<typeof stageMemoryBytes> =>
      stageMemoryBytes({ ...config, hidden: 64, ffn: 256 }, wholeModel(config), { ...load, precision });
    const [full, half] = [bytes('f32'), bytes('f16')];
    expect(half.saved / full.saved).toBeLessThan(0.65);
    const stage = buildStagePrograms({ ...config, hidden: 64, ffn: 256 }, wholeModel(config), options);
    const copied = stage.tensors('copy').reduce((sum, { shape }) => sum + 2 * elementCount(shape), 0);
    expect(half.parameters - full.parameters).toBe(copied);
    expect(half.gradients).toBe(full.gradients);
    expect(half.optimizer).toBe(full.optimizer);
  });
});

it('names a kernel that has no form for what is stored', () => {
  const tensor = (name: string, dtype: 'f16' | 'f32'): TensorDeclaration => ({
    name,
    shape: [4],
    dtype,
    role: 'saved',
  });
  const add: Operation = { kernel: 'add', dims: { L: 4 }, tensors: { a_L: 'a', b_L: 'b', y_L: 'y' } };
  const program = { name: 'sum', tensors: ['a', 'b', 'y'].map((name) => tensor(name, 'f32')), steps: [add] };
  expect(halfPrograms([program], []).map(({ steps }) => steps)).toEqual([[{ ...add, kernel: 'add_f16' }]]);
  expect(() => halfPrograms([program], ['b'])).toThrow('add has no form in f16 that stores a_L, y_L and nothing else');
});
