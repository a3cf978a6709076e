import type { ModelConfig } from '@millrace/core';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { type Backend, type BoundProgram, fitProgram } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { backendOfSuite, testBackends } from './test-backends';
import { textBatch } from './token-text';
import { type InProcessResult, trainInProcess } from './train-in-process';

/** The token embedding, 288 KB, is the only tensor that exceeds the limit. */
const GPT2: ModelConfig = {
  family: 'gpt2',
  layers: 1,
  heads: 3,
  hidden: 60,
  ffn: 100,
  context: 21,
  vocab: 1201,
  tieEmbeddings: true,
};
const LLAMA: ModelConfig = { ...GPT2, family: 'llama', kvHeads: 1, headSize: 8, vocab: 1204, tieEmbeddings: false };
/** Sums of squares are cut between 64 partial sums, each of about 1015 elements. */
const LIMIT_BYTES = 264_000;

/** The backend as if its adapter bound no more than that; `cuts` counts the operations that became several. */
function limited(backend: Backend): { readonly backend: Backend; cuts(): number } {
  let cuts = 0;
  const bind: Backend['bind'] = (program, tensors): Promise<BoundProgram> => {
    const fitting = fitProgram(program, LIMIT_BYTES);
    cuts += fitting.steps.length - program.steps.length;
    return backend.bind(fitting, tensors);
  };
  const methods = new Proxy(backend, {
    get: (target, name: keyof Backend): unknown => {
      const value: unknown = name === 'bind' ? bind : target[name];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { backend: methods, cuts: () => cuts };
}

function train(backend: Backend, config: ModelConfig, packBytesMax?: number): Promise<InProcessResult> {
  const parameters = new Map(allParameters(config).map((parameter) => [parameter.name, parameter]));
  const shared = { microBatch: 2, microBatches: 2 };
  return trainInProcess({
    ...shared,
    config,
    stages: 1,
    steps: 2,
    backend,
    weights: (name) => initialiseParameter(parameters.get(name) as ParameterDeclaration, 3),
    batch: (step, index) => textBatch({ ...config, ...shared }, step, index),
    learningRate: () => 1e-3,
    optimizer: { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 },
    clip: 0.5,
    ...(packBytesMax === undefined ? {} : { packBytesMax }),
  });
}

const [CPU, WEBGPU] = testBackends(process.env);
const TIED = ['gpt2, tied', GPT2] as const;
const UNTIED = ['llama, not tied', LLAMA] as const;

// A software driver compiles the shaders of a second model for as long as those of the first.
describe.each([
  { ...CPU, models: [TIED, UNTIED] },
  { ...WEBGPU, models: [TIED] },
])('a table that exceeds a binding on the $kind backend', ({ models, open }) => {
  const opened = backendOfSuite(open);

  it.each(models)(
    'trains to the same bits in row chunks as whole: %s',
    async (_, config) => {
      const whole = await train(opened(), config);
      const { backend, cuts } = limited(opened());
      const chunked = await train(backend, config, LIMIT_BYTES);
      // At least embedding, head, their gradients, sum of squares and update.
      expect(cuts()).toBeGreaterThanOrEqual(7);
      expect(chunked.losses).toEqual(whole.losses);
      expect(chunked.gradientNorms).toEqual(whole.gradientNorms);
      for (const { name } of allParameters(config)) {
        expect(chunked.weights.get(name), name).toEqual(whole.weights.get(name));
      }
    },
    180_000,
  );
});
