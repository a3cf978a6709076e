import type { ModelConfig } from '@millrace/core';
import { KERNELS, type Operation } from '@millrace/kernels';
import { describe, expect, it } from 'vitest';
import { wholeModel } from '../model-config';
import { type Optimizer, optimizerHyper, optimizerStates } from './optimizer';
import { buildOptimizerPrograms } from './optimizer-programs';

const ADAMW: Optimizer = { type: 'adamw', betas: [0.5, 0.25], eps: 1e-8, weightDecay: 0.01 };
const PLAIN: Optimizer = { type: 'sgd', momentum: 0, weightDecay: 0 };
const MOMENTUM: Optimizer = { type: 'sgd', momentum: 0.9, weightDecay: 0.5 };
const CONFIG: ModelConfig = {
  family: 'gpt2',
  layers: 1,
  heads: 1,
  hidden: 3,
  ffn: 5,
  context: 2,
  vocab: 7,
  tieEmbeddings: true,
};

describe('optimizerHyper', () => {
  it('lays out what the kernels read', () => {
    const update = { lr: 0.1, step: 2, gradientFactor: 0.75 };
    expect([...optimizerHyper(ADAMW, update)]).toEqual([0.1, 0.5, 0.25, 1e-8, 0.01, 0.75, 0.9375, 0.75, 0.5, 0.75]);
    expect([...optimizerHyper(MOMENTUM, update)]).toEqual([0.1, 0.9, 0.5, 0.75]);
  });
});

describe('optimizerStates', () => {
  it('names what a checkpoint holds: nothing for SGD without momentum', () => {
    expect([ADAMW, MOMENTUM, PLAIN].map(optimizerStates)).toEqual([['m', 'v'], ['momentum'], []]);
  });
});

describe('buildOptimizerPrograms', () => {
  const programs = (optimizer: Optimizer): ReturnType<typeof buildOptimizerPrograms> =>
    buildOptimizerPrograms(CONFIG, wholeModel(CONFIG), { optimizer });
  const updates = (optimizer: Optimizer): Operation[] => programs(optimizer).update.steps as Operation[];

  it.each([
    [ADAMW, 'adamw', 2],
    [MOMENTUM, 'sgd_momentum', 1],
    [PLAIN, 'sgd', 0],
  ] as const)('runs the kernel of %o with its states', (optimizer, kernel, stateCount) => {
    const steps = updates(optimizer);
    expect(new Set(steps.map((step) => step.kernel))).toEqual(new Set([kernel]));
    expect(steps).toHaveLength(2);
    expect(programs(optimizer).tensors('moment')).toHaveLength(stateCount * steps.length);
    expect(programs(optimizer).hyper).toMatchObject({
      role: 'scalar',
      name: optimizer.type === 'sgd' ? 'hyper_4' : 'hyper_10',
    });
    for (const { tensors } of steps) {
      expect(Object.keys(tensors).toSorted()).toEqual(KERNELS[kernel].bindings.map(({ name }) => name).toSorted());
    }
  });

  it('decays matrices alone', () => {
    const { packs } = programs(MOMENTUM);
    for (const { dims, tensors } of updates(MOMENTUM)) {
      const { parts } = packs.find(({ whole }) => whole.name === tensors['weight_L'])!;
      for (const { declaration } of parts)
        expect(dims['decay'], declaration.name).toBe(/wte|wpe|attn.*weight|mlp.*weight/.test(declaration.name) ? 1 : 0);
    }
  });
});

describe('SGD over three steps', () => {
  /** torch.optim.SGD by hand, one weight: with the decay taken off first. */
  function byHand(
    gradients: readonly number[],
    { momentum, weightDecay }: { momentum: number; weightDecay: number },
  ): number[] {
    let [weight, buffer] = [2, 0];
    return gradients.map((gradient, index) => {
      buffer = index === 0 ? gradient : momentum * buffer + gradient;
      weight = weight * (1 - 0.1 * weightDecay) - 0.1 * buffer;
      return weight;
    });
  }

  it.each([
    ['sgd', 0, 0],
    ['sgd', 0, 0.5],
    ['sgd_momentum', 0.9, 0],
    ['sgd_momentum', 0.9, 0.5],
  ] as const)('%s, momentum %d, decay %d: the buffer starts at the first gradient', (kernel, momentum, weightDecay) => {
    const gradientFactor = 0.5;
    const gradients = [3, -1, 0.25];
    const weight_L = Float64Array.of(2);
    const momentum_L = Float64Array.of(0);
    const got = gradients.map((gradient, index) => {
      const update = { lr: 0.1, step: index + 1, gradientFactor };
      const hyper_4 = optimizerHyper({ type: 'sgd', momentum, weightDecay }, update);
      KERNELS[kernel].cpu({ L: 1, decay: 1 }, { gradient_L: Float64Array.of(gradient), hyper_4, weight_L, momentum_L });
      return weight_L[0];
    });
    const clipped = gradients.map((gradient) => gradient * gradientFactor);
    expect(got).toEqual(byHand(clipped, { momentum, weightDecay }));
  });
});
