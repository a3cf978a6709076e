import { createHash } from 'node:crypto';
import type { ModelConfig } from '@millrace/core';
import { KERNELS, type Program } from '@millrace/kernels';
import { tensorOf } from '@millrace/tensor';
import { describe, expect, it } from 'vitest';
import { keptBytes } from '../estimates';
import { stageSlices, wholeModel } from '../model-config';
import { buildStagePrograms, type StagePrograms } from '../stage-programs';

const GPT2: ModelConfig = {
  family: 'gpt2',
  layers: 4,
  heads: 3,
  hidden: 60,
  ffn: 100,
  context: 21,
  vocab: 97,
  tieEmbeddings: true,
};
const LLAMA: ModelConfig = { ...GPT2, family: 'llama', heads: 6, kvHeads: 2, headSize: 14, tieEmbeddings: false };
const SPLITS = [[4], [2, 2], [1, 3], [0, 4, 0]];

/** What a program computes: each tensor's content as a digest of the operations and contents that it came from. */
function compute(contents: Map<string, string>, { tensors, steps }: Program): void {
  const roles = new Map(tensors.map(({ name, role }) => [name, role]));
  const content = (name: string): string => contents.get(name) ?? name;
  for (const step of steps) {
    if ('clear' in step) {
      contents.set(tensorOf(step.clear), 'zeros');
      continue;
    }
    const named = KERNELS[step.kernel].bindings.map(({ name, access }) => ({
      access,
      tensor: tensorOf(step.tensors[name]!),
    }));
    const adds = 'accumulate' in step.dims && step.dims['accumulate'] === 1;
    const used = named.map(({ access, tensor }) => {
      return access === 'read' || adds || roles.get(tensor) === 'gradient' ? content(tensor) : '';
    });
    const operation = JSON.stringify([step.kernel, step.dims, used]);
    named.forEach(({ access, tensor }, index) => {
      if (access === 'read') return;
      contents.set(tensor, createHash('sha256').update(`${index} ${operation}`).digest('hex'));
    });
  }
}

/** Of two micro-batches, one after the other: the gradients of all parameters and of the input. */
function gradients(stage: StagePrograms): (string | undefined)[] {
  const contents = new Map<string, string>();
  compute(contents, stage.clearGradients);
  const inputGradients = [0, 1].map((microBatch) => {
    for (const name of ['tokens', 'input', 'outputGradient', 'targets', 'sequences'] as const) {
      const declared = stage[name];
      if (declared !== undefined) contents.set(declared.name, `${name} ${microBatch}`);
    }
    compute(contents, stage.forward);
    compute(contents, stage.backwardInput);
    const left = contents.get(stage.inputGradient?.name ?? '');
    compute(contents, stage.backwardWeight);
    return left;
  });
  const names = stage.tensors('gradient').map(({ name }) => name);
  return [...inputGradients, ...names.toSorted().map((name) => `${name} ${contents.get(name)}`)];
}

describe.each([GPT2, { ...GPT2, dropout: 0.1 }, LLAMA])('a fused backward of $family', (config) => {
  it('adds the same things in the same order as I and W apart', () => {
    for (const layersPerStage of SPLITS) {
      for (const slice of stageSlices(config, layersPerStage)) {
        const stage = (fusedBackward: boolean): StagePrograms =>
          buildStagePrograms(config, slice, { microBatch: 2, recompute: 'full', fusedBackward });
        const fused = gradients(stage(true));
        expect(fused.length).toBeGreaterThan(2);
        expect(fused).toEqual(gradients(stage(false)));
      }
    }
  });

  it("holds one block's tensors, however many blocks a stage has", () => {
    const held = (layerCount: number, fusedBackward: boolean): number =>
      keptBytes(
        config,
        { firstLayer: 0, layerCount, embedding: true, head: false },
        { microBatch: 2, recompute: 'full', fusedBackward },
      ).fromInput;
    expect(held(3, true)).toBe(held(2, true));
    expect(held(3, false) - held(2, false)).toBeGreaterThan(0.9 * held(1, true));
  });

  it('is what it was where nothing or not everything is recomputed', () => {
    for (const recompute of ['none', 'selective'] as const) {
      const stage = buildStagePrograms(config, wholeModel(config), { microBatch: 2, recompute, fusedBackward: true });
      expect(stage.isFused).toBe(false);
      expect(stage.backwardInput.tensors.filter(({ role }) => role === 'gradient')).toEqual([]);
    }
  });
});
