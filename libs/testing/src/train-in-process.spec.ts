import type { ModelConfig } from '@millrace/core';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import type { Backend } from '@millrace/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import { backendOfSuite, testBackends } from './test-backends';
import { textBatch } from './token-text';
import { type InProcessResult, trainInProcess } from './train-in-process';

const ODD: ModelConfig = {
  family: 'gpt2',
  layers: 4,
  heads: 3,
  hidden: 60,
  ffn: 150,
  context: 21,
  vocab: 97,
  tieEmbeddings: true,
};

const LLAMA: ModelConfig = {
  ...ODD,
  family: 'llama',
  heads: 6,
  kvHeads: 2,
  headSize: 8,
  ropeScaling: { type: 'llama3', factor: 4, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 16 },
};

interface Case {
  readonly backend: Backend;
  readonly config: ModelConfig;
  readonly stages: number;
  readonly microBatch: number;
}

function train({ backend, config, stages, microBatch }: Case): Promise<InProcessResult> {
  const parameters = new Map(allParameters(config).map((parameter) => [parameter.name, parameter]));
  const microBatches = 2;
  return trainInProcess({
    config,
    stages,
    microBatch,
    microBatches,
    steps: 2,
    backend,
    weights: (name) => initialiseParameter(parameters.get(name) as ParameterDeclaration, 3),
    batch: (step, index) => textBatch({ ...config, microBatch, microBatches }, step, index),
    learningRate: () => 1e-3,
    optimizer: { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 },
    clip: 0.5,
  });
}

const [CPU, WEBGPU] = testBackends(process.env);

describe.each([
  { ...CPU, microBatch: 1 },
  { ...WEBGPU, microBatch: 5 },
])('training over a split on the $kind backend', ({ microBatch, open }) => {
  const opened = backendOfSuite(open);
  let backend: Backend;
  beforeEach(() => {
    backend = opened();
  });

  it.each([
    ['gpt2', true],
    ['gpt2', false],
    ['llama', true],
    ['llama', false],
  ])(
    'is bit-identical for 1, 2, 3 and 4 stages (%s, tied embeddings: %s)',
    async (family, tieEmbeddings) => {
      const config = { ...(family === 'llama' ? LLAMA : ODD), tieEmbeddings };
      const whole = await train({ backend, config, stages: 1, microBatch });
      // A tied llama begins by guessing the token that it reads.
      expect(whole.losses[0]).toBeCloseTo(Math.log(97), family === 'llama' ? 0 : 1);
      for (const stages of [2, 3, 4]) {
        const split = await train({ backend, config, stages, microBatch });
        expect(split.losses).toEqual(whole.losses);
        expect(split.gradientNorms).toEqual(whole.gradientNorms);
        for (const { name } of allParameters(config)) {
          expect(split.weights.get(name), `${name} with ${stages} stages`).toEqual(whole.weights.get(name));
        }
      }
      // Nothing of a run stays allocated.
      expect(backend.allocatedBytes()).toBe(0);
    },
    180_000,
  );
});
