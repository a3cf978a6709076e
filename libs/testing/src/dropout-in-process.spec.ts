import { type ModelConfig, RECOMPUTE_SETTINGS } from '@millrace/core';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { type Backend, type HostArray, openCpuBackend } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { backendOfSuite, testBackends } from './test-backends';
import { textBatch } from './token-text';
import { type InProcessResult, type InProcessTraining, trainInProcess } from './train-in-process';

const GPT2: ModelConfig = {
  family: 'gpt2',
  layers: 3,
  heads: 3,
  hidden: 18,
  ffn: 17,
  context: 7,
  vocab: 23,
  tieEmbeddings: true,
  dropout: 0.2,
};
const LLAMA: ModelConfig = { ...GPT2, family: 'llama', kvHeads: 1, headSize: 6, tieEmbeddings: false };
const CONFIGS = [GPT2, LLAMA];
/** Sequences of a step. */
const ROWS = 4;
const TIMEOUT_MS = 300_000;

interface Chosen extends Partial<Pick<InProcessTraining, 'stages' | 'recompute' | 'seed' | 'microBatch' | 'steps'>> {
  readonly config: ModelConfig;
  readonly backend: Backend;
  /** Added to one element of a parameter. */
  readonly nudge?: { readonly name: string; readonly index: number; readonly by: number };
}

function train({ config, nudge, microBatch = 1, ...chosen }: Chosen): Promise<InProcessResult> {
  const parameters = new Map(allParameters(config).map((parameter) => [parameter.name, parameter]));
  const text = { ...config, microBatch, microBatches: ROWS / microBatch };
  const weights = (name: string): HostArray => {
    const values = Float64Array.from(initialiseParameter(parameters.get(name) as ParameterDeclaration, 3));
    if (nudge?.name === name) values[nudge.index] = (values[nudge.index] ?? NaN) + nudge.by;
    return values;
  };
  return trainInProcess({
    stages: 1,
    steps: 2,
    seed: 11,
    ...chosen,
    config,
    microBatch,
    microBatches: ROWS / microBatch,
    weights,
    batch: (step, index) => textBatch(text, step, index),
    learningRate: () => 0.01,
    optimizer: { type: 'sgd', momentum: 0.9, weightDecay: 0 },
    validation: [textBatch({ ...text, microBatch }, 7, 0)],
  });
}

describe.each(testBackends(process.env))('dropout on the $kind backend', ({ open }) => {
  const backend = backendOfSuite(open);

  it.for(CONFIGS)(
    'gives the same bits for every split and recompute setting: $family',
    { timeout: TIMEOUT_MS },
    async (config) => {
      const on = backend();
      const whole = await train({ config, backend: on });
      expect(whole.losses).not.toEqual((await train({ config: { ...config, dropout: 0 }, backend: on })).losses);
      for (const recompute of RECOMPUTE_SETTINGS) {
        for (const stages of [[3], [1, 2], [0, 1, 2, 0]]) {
          expect(await train({ config, backend: on, stages, recompute }), `${stages} ${recompute}`).toEqual(whole);
        }
      }
      expect(on.allocatedBytes()).toBe(0);
    },
  );
});

describe.each(CONFIGS)('dropout of a $family on the twins', (config) => {
  const backend = openCpuBackend();

  it('draws by the seed', async () => {
    const [one, again, other] = [
      await train({ config, backend }),
      await train({ config, backend }),
      await train({ config, backend, seed: 12 }),
    ];
    expect(again).toEqual(one);
    expect(other.losses[0]).not.toBe(one.losses[0]);
    expect(other.losses[0]).toBeCloseTo(one.losses[0]!, 0);
  });

  it('draws by sequence, so that a micro-batch of any size has the same losses', async () => {
    const losses = await Promise.all(
      [1, 2, 4].map(async (microBatch) => (await train({ config, backend, microBatch, steps: 1 })).losses),
    );
    expect(losses[1]).toEqual(losses[0]);
    expect(losses[2]).toEqual(losses[0]);
  });

  it('evaluates without', async () => {
    const untrained = { backend, steps: 0 };
    const { validationLoss } = await train({ ...untrained, config });
    expect(validationLoss).toBe((await train({ ...untrained, config: { ...config, dropout: 0 } })).validationLoss);
  });

  it('has the gradients of the losses that it gives, by central differences', async () => {
    const by = 1e-5;
    const { firstGradients } = await train({ config, backend, steps: 1 });
    const loss = async (nudge: Chosen['nudge']): Promise<number> =>
      (await train({ config, backend, steps: 1, nudge: nudge! })).losses[0]!;
    for (const { name } of allParameters(config).filter((_, index) => index % 2 === 0)) {
      const gradients = [...firstGradients.get(name)!];
      // The largest entry: small ones drown in the rounding of the losses.
      const index = gradients.indexOf(gradients.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0]!);
      const slope = ((await loss({ name, index, by })) - (await loss({ name, index, by: -by }))) / (2 * by);
      expect(slope / gradients[index]!, name).toBeCloseTo(1, 4);
    }
  });
});
