import { systemClock } from '@millrace/core';
import type { ManifestDocument } from '@millrace/contracts';
import { openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { attemptPlan, type PlanOptions } from '../../test/attempt-plans';
import {
  expectOutcomeOfAll,
  SCHEDULE_OF_EACH_KIND,
  type WholeOutcomes,
  wholeOutcomes,
} from '../../test/schedule-product';
import { type Trained, trainRanks } from '../../test/train-ranks';
import type { TensorFrame } from '../data-plane/frame';

const GPT2 = { family: 'gpt2' as const, dropout: 0.2 };
const LLAMA = { family: 'llama' as const, heads: 6, kvHeads: 2, headSize: 8, hidden: 30, ffn: 17, dropout: 0.2 };

/** Tests the contract of bit-exactness with dropout, on the twins, with a schedule of each kind. */
describe.each([GPT2, LLAMA])('a $family with dropout has the same losses, norms and weights', (model) => {
  let whole: WholeOutcomes;
  beforeAll(async () => {
    whole = await wholeOutcomes(4, { model });
  }, 120_000);

  it.each(SCHEDULE_OF_EACH_KIND)(
    'under %s on %i ranks with every recompute setting',
    { timeout: 300_000 },
    async (schedule, ranks, split) => {
      expect.hasAssertions();
      await expectOutcomeOfAll(whole, schedule, new Map([[ranks, split]]));
    },
  );
});

/** With `from`, it goes on after step 2 of that one. */
function train(options: PlanOptions, from?: Trained): Promise<Trained> {
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  const plan = attemptPlan({ model: { dropout: 0.3 }, ...options });
  const surroundings = {
    openBackend: () => openCpuBackend(),
    transport: (rank: number) => network.transport(rank),
  };
  if (from === undefined) return trainRanks(plan, surroundings);
  const step = 2;
  const manifest: ManifestDocument = {
    version: 1,
    runId: 'run_test',
    step,
    model: plan.model,
    rng: { seed: 42 },
    dataPosition: { samples: step * plan.spec.train.batch.global },
    optimizer: { type: 'adamw', step },
    tensors: [],
  };
  const own = { ...plan, firstStep: step + 1, resume: { from: 'checkpoint' as const, manifest } };
  return trainRanks(own, { ...surroundings, from: from.checkpoints.get(step)! });
}

const losses = ({ metrics }: Trained): number[] => [
  ...(metrics.get('train/loss') ?? new Map<number, number>()).values(),
];
const weights = ({ checkpoints }: Trained, step: number): unknown[] =>
  [...checkpoints.get(step)!].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('dropout of an attempt', () => {
  it('goes on from a checkpoint with the same bits, on other ranks', async () => {
    const straight = await train({ train: { checkpointEvery: 2 } });
    const resumed = await train({ ranks: 3, recompute: 'full' }, straight);
    expect(losses(resumed)).toEqual(losses(straight).slice(2));
    expect(weights(resumed, 4)).toEqual(weights(straight, 4));
  });

  it('draws by sample, so that a micro-batch of any size has the same losses', async () => {
    const micro = (size: number): PlanOptions => ({ micro: size, microBatches: 8 / size, steps: 1 });
    const [small, large] = [await train(micro(1)), await train(micro(4))];
    expect(losses(small)).toEqual(losses(large));
  });

  it('draws by train.seed, and nothing where a validation loss is taken', async () => {
    const at = (seed: number, dropout: number): Promise<Trained> =>
      train({ steps: 1, model: { dropout }, train: { seed, optimizer: { type: 'sgd', lr: 1e-300 } } });
    const [dropped, plain] = [await at(42, 0.3), await at(42, 0)];
    expect(losses(dropped)).not.toEqual(losses(plain));
    expect(dropped.metrics.get('val/loss')).toEqual(plain.metrics.get('val/loss'));
    expect(losses(await at(42, 0.3))).toEqual(losses(dropped));
  });
});
