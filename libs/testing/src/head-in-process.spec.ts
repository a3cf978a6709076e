import { type ModelConfig, RECOMPUTE_SETTINGS } from '@millrace/core';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { backendOfSuite, testBackends } from './test-backends';
import { textBatch } from './token-text';
import { type InProcessResult, type InProcessTraining, trainInProcess } from './train-in-process';

/** 84 rows of a micro-batch. */
const BASE: ModelConfig = {
  family: 'gpt2',
  layers: 2,
  heads: 3,
  hidden: 60,
  ffn: 28,
  context: 21,
  vocab: 204,
  tieEmbeddings: true,
};
const LLAMA: ModelConfig = { ...BASE, family: 'llama', kvHeads: 1, headSize: 8, tieEmbeddings: false };
/** Parts of 64 and 20 rows, and of 128 and 76 columns. */
const IN_PARTS = 56_000;
const TIMEOUT_MS = 180_000;

type Chosen = Pick<InProcessTraining, 'backend' | 'config'> &
  Partial<Pick<InProcessTraining, 'headBytesMax' | 'recompute' | 'stages'>>;

function train(chosen: Chosen): Promise<InProcessResult> {
  const { config } = chosen;
  const parameters = new Map(allParameters(config).map((parameter) => [parameter.name, parameter]));
  const shared = { microBatch: 4, microBatches: 2 };
  const text = { ...config, ...shared };
  return trainInProcess({
    stages: 1,
    ...shared,
    ...chosen,
    steps: 2,
    weights: (name) => initialiseParameter(parameters.get(name) as ParameterDeclaration, 3),
    batch: (step, index) => textBatch(text, step, index),
    learningRate: () => 1e-3,
    optimizer: { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 },
    clip: 0.5,
    validation: [textBatch(text, 7, 0)],
  });
}

const [CPU, WEBGPU] = testBackends(process.env);
const TIED = ['gpt2, tied', BASE] as const;
const UNTIED = ['llama, not tied', LLAMA] as const;

describe.each([
  // A vocabulary in whole vectors has the same kernels in parts; on the twins there is one kernel for all sizes.
  { ...CPU, vocab: 203, models: [TIED, UNTIED] },
  // A software driver compiles a second model's shaders for as long as the first's, which the last test has.
  { ...WEBGPU, vocab: 204, models: [UNTIED] },
])('a head that is computed in parts on the $kind backend', ({ vocab, models, open }) => {
  const backend = backendOfSuite(open);

  it.each(models)(
    'has the bits of one whose logits are kept: %s',
    async (_, model) => {
      const config = { ...model, vocab };
      const kept = await train({ backend: backend(), config });
      expect(kept.losses[1]).not.toBe(kept.losses[0]);
      expect(await train({ backend: backend(), config, headBytesMax: IN_PARTS })).toEqual(kept);
    },
    TIMEOUT_MS,
  );

  it(
    'has the same bits for every split and recompute setting',
    async () => {
      const config = { ...BASE, vocab };
      const whole = await train({ backend: backend(), config, headBytesMax: IN_PARTS });
      for (const recompute of RECOMPUTE_SETTINGS) {
        const split = await train({ backend: backend(), config, headBytesMax: IN_PARTS, recompute, stages: 2 });
        expect(split, recompute).toEqual(whole);
      }
      expect(backend().allocatedBytes()).toBe(0);
    },
    TIMEOUT_MS,
  );
});
