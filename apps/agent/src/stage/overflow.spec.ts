import { systemClock } from '@millrace/core';
import type { ManifestDocument } from '@millrace/contracts';
import { FIRST_LOSS_SCALE, type LossScaleState, type UpdateCounters } from '@millrace/model';
import { openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { attemptPlan, type PlanOptions } from '../../test/attempt-plans';
import { plantOverflows } from '../../test/plant-overflows';
import { trainRanks, type Trained, type TrainOptions } from '../../test/train-ranks';
import type { TensorFrame } from '../data-plane/frame';

const STEPS = 9;
const OVERFLOWS = [2, 3, 6];
/** In the middle of the model: of two ranks, the second one has it; of three, the second as well. */
const PARAMETER = 'transformer.h.2.mlp.c_fc.weight';
const TRAIN = { precision: 'f16', clip: 0.5, evalEvery: 0, evalBatches: 1, checkpointEvery: 4 };

interface From extends UpdateCounters {
  readonly step: number;
  readonly checkpoint: Trained;
}

function manifestOf({ step, updates, lossScale }: From, plan: ReturnType<typeof attemptPlan>): ManifestDocument {
  return {
    version: 1,
    runId: 'run_test',
    step,
    model: plan.model,
    rng: { seed: 42 },
    dataPosition: { samples: step * plan.spec.train.batch.global },
    optimizer: { type: 'adamw', step: updates },
    ...(lossScale === undefined ? {} : { lossScale }),
    tensors: [],
  };
}

interface Planted extends PlanOptions {
  readonly overflows?: readonly number[];
  readonly from?: From;
}

function train(
  { overflows = OVERFLOWS, from, ...options }: Planted,
  extra: Partial<TrainOptions> = {},
): Promise<Trained> {
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  const fresh = attemptPlan({ steps: STEPS, microBatches: 3, ...options, train: { ...TRAIN, ...options.train } });
  const firstStep = (from?.step ?? 0) + 1;
  const plan =
    from === undefined
      ? fresh
      : { ...fresh, firstStep, resume: { from: 'checkpoint' as const, manifest: manifestOf(from, fresh) } };
  return trainRanks(plan, {
    openBackend: () => plantOverflows(openCpuBackend(), { steps: overflows, firstStep, parameter: PARAMETER }),
    transport: (rank) => network.transport(rank),
    ...(from && { from: from.checkpoint.checkpoints.get(from.step)! }),
    ...extra,
  });
}

const series = ({ metrics }: Trained, name: string): [number, number][] => [...(metrics.get(name) ?? [])];
const weights = ({ checkpoints }: Trained, step = STEPS): unknown =>
  [...checkpoints.get(step)!].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** All that must not depend on how a run is cut. */
const NUMBERS = ['train/loss', 'train/grad_norm', 'train/lr', 'train/loss_scale'];
const outcome = (trained: Trained, after = 0): unknown => ({
  numbers: NUMBERS.map((name) => series(trained, name).filter(([step]) => step > after)),
  weights: weights(trained),
  counters: trained.counters.get(STEPS)?.[0],
});

describe('a step whose scaled gradients overflow', () => {
  let whole: Trained;
  beforeAll(async () => {
    whole = await train({});
  }, 60_000);

  it('counts as a step and reports its loss, but has no norm, and the learning rate waits', () => {
    const steps = Array.from({ length: STEPS }, (_, index) => index + 1);
    expect(series(whole, 'train/loss').map(([step]) => step)).toEqual(steps);
    expect(series(whole, 'train/grad_norm').map(([step]) => step)).toEqual([1, 4, 5, 7, 8, 9]);
    const rate = new Map(series(whole, 'train/lr'));
    expect([rate.get(2), rate.get(3)]).toEqual([rate.get(4), rate.get(4)]);
    expect(rate.get(6)).toBe(rate.get(7));
    expect(new Set(rate.values()).size).toBe(STEPS - OVERFLOWS.length);
    const scale = FIRST_LOSS_SCALE.scale;
    const scales = [1, 1, 1, 2, 2, 2, 4, 4, 4].map((divisor) => scale / divisor);
    expect(series(whole, 'train/loss_scale').map(([, value]) => value)).toEqual(scales);
    expect(whole.counters.get(STEPS)).toEqual([
      { updates: 6, lossScale: { scale: scale / 4, cleanSteps: 3, hysteresis: 1, skippedAtFloor: 0 } },
    ]);
    const told = `warn step 2 updates nothing: the gradient of ${PARAMETER} is not finite at loss scale 65536`;
    expect(whole.log.filter((line) => line.startsWith('warn'))[0]).toBe(told);
  });

  it('changes neither weights nor optimizer, as if its data had never come', async () => {
    const train2 = { lr: { schedule: 'constant', warmup: 2 }, checkpointEvery: 0 };
    const skipped = await train({ overflows: [3], train: train2 });
    const without = await train(
      { overflows: [], steps: STEPS - 1, train: train2 },
      { mapData: (data) => ({ ...data, train: (step, micro) => data.train(step < 3 ? step : step + 1, micro) }) },
    );
    expect(weights(skipped)).toEqual(weights(without, STEPS - 1));
    expect(series(skipped, 'train/loss').map(([, loss]) => loss)).toEqual(
      expect.arrayContaining(series(without, 'train/loss').map(([, loss]) => loss)),
    );
  });

  it.each([
    { schedule: 'gpipe', ranks: 3 },
    { schedule: '1f1b', ranks: 2, recompute: 'full' },
    { schedule: 'interleaved', ranks: 2, chunks: 2, microBatches: 4 },
    { schedule: 'zb-h1', ranks: 2, recompute: 'selective' },
    { schedule: 'zb-h2', ranks: 3 },
    { schedule: 'zb-h2', ranks: 2, optimisticStep: false },
    { schedule: 'zb-v', ranks: 2 },
    { schedule: 'dualpipe-v', ranks: 2, microBatches: 4 },
  ] as const)('is skipped by every rank under $schedule on $ranks ranks', async (options) => {
    const trained = await train(options);
    const expected = 'microBatches' in options ? await train({ microBatches: options.microBatches }) : whole;
    expect(outcome(trained)).toEqual(outcome(expected));
    // Each rank counts for itself.
    expect(new Set(trained.counters.get(STEPS)!.map((counters) => JSON.stringify(counters))).size).toBe(1);
    expect(trained.counters.get(STEPS)).toHaveLength(options.ranks);
  });

  it('is skipped in an optimistic step that rolls back, with what the next one had begun', async () => {
    const options = { train: { ...TRAIN, clip: 1e-3, checkpointEvery: 0 } } as const;
    const trained = await train({ ...options, ranks: 2, schedule: 'zb-v' });
    expect(outcome(trained)).toEqual(outcome(await train(options)));
    // Steps 1 to 8 run ahead. The skipped ones are not updated a second time.
    expect(trained.rolledBack).toEqual([5, 5]);
  });

  it.each([4, 8])(
    'leaves counters in the checkpoint of step %i with which a run goes on, on other ranks',
    async (step) => {
      const [counters] = whole.counters.get(step)!;
      const resumed = await train({ ranks: 3, schedule: 'zb-h2', from: { step, ...counters!, checkpoint: whole } });
      const { numbers, ...end } = outcome(whole, step) as { numbers: unknown };
      expect(outcome(resumed)).toEqual({ numbers, ...end });
    },
  );

  it.each([
    { ranks: 2, schedule: '1f1b' },
    { ranks: 2, schedule: 'zb-v' },
  ] as const)('is no step under $schedule whose scale doubles, nor the one that has begun by then', async (options) => {
    // After step 6 the scale doubles.
    const lossScale: LossScaleState = { scale: 2, cleanSteps: 998, hysteresis: 1, skippedAtFloor: 0 };
    const [counters] = whole.counters.get(4)!;
    const from = { ...counters!, step: 4, checkpoint: whole };
    const train4 = { checkpointEvery: 0, clip: undefined };
    const trained = await train({ ...options, overflows: [], train: train4, from: { ...from, lossScale } });
    expect(series(trained, 'train/loss_scale').map(([, scale]) => scale)).toEqual([2, 2, 4, 4, 4]);
    const alone = await train({ overflows: [], train: train4, from: { ...from, lossScale } });
    expect(outcome(trained)).toEqual(outcome(alone));
    // Norms are without the scale.
    const plain = await train({ overflows: [], train: { ...train4, precision: 'f32' }, from });
    const norms = series(trained, 'train/grad_norm').map(([, norm]) => norm);
    series(plain, 'train/grad_norm').forEach(([, norm], index) => expect(norms[index]! / norm).toBeCloseTo(1, 2));
  });

  it('has no learning rate of its own in a run that goes on in f32 either', async () => {
    const { updates } = whole.counters.get(4)![0]!;
    const f32 = { precision: 'f32' };
    const resumed = await train({ overflows: [], train: f32, from: { step: 4, updates, checkpoint: whole } });
    expect(series(resumed, 'train/lr')[0]).toEqual([5, new Map(series(whole, 'train/lr')).get(5)]);
    expect([series(resumed, 'train/loss_scale'), resumed.counters.size]).toEqual([[], 0]);
  });

  it.each([
    { ranks: 1, schedule: '1f1b' },
    { ranks: 2, schedule: 'zb-v' },
  ] as const)('ends the run as the hundredth in a row at scale 1, under $schedule', async (options) => {
    const lossScale: LossScaleState = { scale: 1, cleanSteps: 0, hysteresis: 1, skippedAtFloor: 98 };
    const [counters] = whole.counters.get(4)!;
    const training = train({
      ...options,
      overflows: [5, 6, 7],
      train: { checkpointEvery: 0 },
      from: { ...counters!, step: 4, lossScale, checkpoint: whole },
    });
    const details = { step: 6, firstBad: PARAMETER };
    await expect(training).rejects.toMatchObject({ code: 'STAGE.NUMERICS', details });
  });

  it('ends a run in f32 at once', async () => {
    const training = train({ train: { precision: 'f32' } });
    await expect(training).rejects.toMatchObject({ code: 'STAGE.NUMERICS', details: { step: 2, firstBad: PARAMETER } });
  });
});
