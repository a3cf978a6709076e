import { type ModelConfig, RECOMPUTE_SETTINGS } from '@millrace/core';
import { allParameters, initialiseParameter, type Optimizer, type ParameterDeclaration } from '@millrace/model';
import { type Backend, openCpuBackend } from '@millrace/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestBackend } from './software-vulkan';
import { textBatch } from './token-text';
import { type InProcessResult, type InProcessTraining, trainInProcess } from './train-in-process';

const ODD: ModelConfig = {
  family: 'gpt2',
  layers: 3,
  heads: 3,
  hidden: 60,
  ffn: 17,
  context: 21,
  vocab: 97,
  tieEmbeddings: true,
};
const OPTIMIZERS: readonly (Optimizer & { readonly lr: number })[] = [
  { type: 'adamw', lr: 1e-3, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 },
  { type: 'sgd', lr: 0.1, momentum: 0, weightDecay: 0 },
  { type: 'sgd', lr: 0.05, momentum: 0.9, weightDecay: 0.1 },
];
/** Layers per stage, uneven and with empty ends; apps/agent's *-product.spec.ts have more, under every schedule. */
const SPLITS = [
  [1, 2],
  [0, 2, 1, 0],
];
/** The second one needs the optimizer's state of the first. */
const STEPS = 2;
const TIMEOUT_MS = 600_000;

type Chosen = Pick<InProcessTraining, 'backend' | 'stages' | 'recompute' | 'optimizer'> & { readonly lr: number };

function train({ lr, ...chosen }: Chosen): Promise<InProcessResult> {
  const parameters = new Map(allParameters(ODD).map((parameter) => [parameter.name, parameter]));
  const text = { ...ODD, microBatch: 1, microBatches: 5 };
  return trainInProcess({
    ...chosen,
    config: ODD,
    microBatch: 1,
    microBatches: 5,
    steps: STEPS,
    weights: (name) => initialiseParameter(parameters.get(name) as ParameterDeclaration, 3),
    batch: (step, index) => textBatch(text, step, index),
    learningRate: () => lr,
    clip: 0.5,
    validation: [textBatch(text, 7, 0)],
  });
}

/** Recompute and split change nothing; a `whole` run without either is the measure. */
async function expectSameBits(
  { backend, optimizer, lr }: Pick<Chosen, 'backend' | 'optimizer' | 'lr'>,
  splits: readonly (readonly number[])[],
): Promise<void> {
  const whole = await train({ backend, optimizer, lr, stages: 1 });
  expect(whole.losses[1]).not.toBe(whole.losses[0]);
  expect(whole.validationLoss).toBeGreaterThan(0);
  for (const recompute of RECOMPUTE_SETTINGS) {
    for (const stages of splits) {
      expect(await train({ backend, optimizer, lr, stages, recompute }), `${recompute} on ${stages}`).toEqual(whole);
    }
  }
  expect(backend.allocatedBytes()).toBe(0);
}

describe.each(OPTIMIZERS)(
  '$type, momentum $momentum: losses, norms and weights are the same bits',
  ({ lr, ...optimizer }) => {
    let device: Backend | undefined;
    beforeAll(async () => {
      device = await openTestBackend(process.env);
    });
    afterAll(() => device?.destroy());

    it(
      'on the twins, for 2 and 4 stages, uneven ones too, and every recompute setting',
      { timeout: TIMEOUT_MS },
      async () => {
        await expectSameBits({ backend: openCpuBackend(), optimizer, lr }, SPLITS);
      },
    );

    it('on WebGPU, for 3 stages and every recompute setting', { timeout: TIMEOUT_MS }, async ({ skip }) => {
      if (device === undefined) skip('no adapter');
      else await expectSameBits({ backend: device, optimizer, lr }, [[1, 1, 1]]);
    });
  },
);
