import { systemClock } from '@millrace/core';
import type { AttemptPlan, ManifestDocument } from '@millrace/contracts';
import { weightVersionsOf } from '@millrace/contracts';
import { openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { describe, expect, it } from 'vitest';
import { asynchronousOracle, type Expected, type VersionTable } from '../../../test/asynchronous-oracle';
import { attemptPlan, type PlanOptions } from '../../../test/attempt-plans';
import { type Trained, trainRanks, type TrainOptions } from '../../../test/train-ranks';
import type { TensorFrame } from '../../data-plane/frame';

const STEPS = 9;
const PLAIN = { clip: undefined, evalEvery: 0, evalBatches: 1, lr: { schedule: 'cosine', warmup: 2 } };
const SGD = { ...PLAIN, optimizer: { type: 'sgd', lr: 0.1, momentum: 0.9, weightDecay: 0.1 } };

interface Case extends PlanOptions {
  readonly name: string;
  readonly versionOf: VersionTable;
}

const stash =
  (ranks: number): VersionTable =>
  (t, s) =>
    Math.max(0, t - (ranks - 1 - s));
const vertical =
  (ranks: number): VersionTable =>
  (t) =>
    Math.max(0, t - (ranks - 1));
const doubleBuffer =
  (microBatches: number): VersionTable =>
  (t) =>
    Math.max(0, Math.floor(t / microBatches) - 1);

const CASES: Case[] = [
  ...[1, 2, 3, 4].flatMap((ranks): Case[] => [
    { name: `stashing on ${ranks}`, ranks, schedule: 'pipedream', microBatches: 1, versionOf: stash(ranks) },
    {
      name: `vertical sync on ${ranks}`,
      ranks,
      schedule: 'pipedream',
      verticalSync: true,
      microBatches: 1,
      versionOf: vertical(ranks),
    },
  ]),
  ...[1, 2, 3, 5].flatMap((microBatches): Case[] =>
    [1, 2, 4].map((ranks) => ({
      name: `2BW of ${microBatches} on ${ranks}`,
      ranks,
      schedule: 'pipedream-2bw',
      microBatches,
      versionOf: doubleBuffer(microBatches),
    })),
  ),
];

const plan = (options: PlanOptions): AttemptPlan =>
  attemptPlan({ steps: STEPS, tied: false, train: PLAIN, ...options });

function train(attempt: AttemptPlan, extra: Partial<TrainOptions> = {}): Promise<Trained> {
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  return trainRanks(attempt, {
    openBackend: () => openCpuBackend(),
    transport: (rank) => network.transport(rank),
    ...extra,
  });
}

/** The checkpoint of `step` as a manifest; the tensors come from elsewhere. */
function resumed(attempt: AttemptPlan, step: number, since = 0): AttemptPlan {
  const { model, spec } = attempt;
  const { type } = spec.train.optimizer;
  const weightVersions = weightVersionsOf(attempt, since);
  const manifest: ManifestDocument = {
    version: 1,
    runId: 'run_test',
    step,
    model,
    rng: { seed: 42 },
    dataPosition: { samples: step * spec.train.batch.global },
    optimizer: { type, step },
    ...(weightVersions === undefined ? {} : { weightVersions }),
    tensors: [],
  };
  return { ...attempt, firstStep: step + 1, resume: { from: 'checkpoint', manifest } };
}

const sorted = (trained: Trained, step: number): unknown =>
  [...trained.checkpoints.get(step)!].toSorted(([a], [b]) => (a < b ? -1 : 1));

function expectOracle(trained: Trained, { losses, weights }: Expected): void {
  expect([...trained.metrics.get('train/loss')!.values()]).toEqual(losses);
  const last = trained.checkpoints.get(losses.length)!;
  for (const [name, values] of weights) expect(last.get(`weight ${name}`), name).toEqual(values);
}

describe('an asynchronous stage executor', () => {
  it.each(CASES)('trains as the definition says, bit for bit: $name', async ({ versionOf, ...options }) => {
    const attempt = plan(options);
    const trained = await train(attempt);
    expectOracle(trained, await asynchronousOracle(attempt, { versionOf }));
    expect(trained.outcomes).toEqual(attempt.peers.map(() => ({ state: 'finished', step: STEPS })));
    expect([...trained.metrics.keys()].sort()).toEqual([
      'train/loss',
      'train/lr',
      'train/tokens_per_second',
      'val/loss',
    ]);
    expect([...trained.metrics.get('val/loss')!.keys()]).toEqual([STEPS]);
  });

  it('does so at odd sizes, with an empty end, SGD with momentum, recompute and dropout', async () => {
    const odd: PlanOptions = {
      ranks: 3,
      schedule: 'pipedream-2bw',
      microBatches: 5,
      partition: [0, 3, 1],
      model: { heads: 3, hidden: 60, ffn: 61, context: 21, vocab: 97, layers: 4, dropout: 0.1 },
      micro: 1,
      steps: 3,
      train: SGD,
    };
    const expected = await asynchronousOracle(plan(odd), { versionOf: doubleBuffer(5) });
    for (const recompute of ['none', 'full', 'selective'] as const)
      expectOracle(await train(plan({ ...odd, recompute })), expected);
  });

  it('gives other losses than its neighbours: the versions matter', async () => {
    const losses = await Promise.all(
      CASES.filter(({ ranks, microBatches }) => ranks === 4 && microBatches === 1).map(
        async ({ versionOf: _, ...options }) => (await train(plan(options))).metrics.get('train/loss')!.get(STEPS),
      ),
    );
    expect(new Set(losses).size).toBe(3);
  });

  it('goes on from any checkpoint to the same bits, with the micro-batches in flight done again', async () => {
    const every: PlanOptions[] = [
      { ranks: 4, schedule: 'pipedream', microBatches: 1 },
      { ranks: 3, schedule: 'pipedream', microBatches: 1, verticalSync: true },
      { ranks: 3, schedule: 'pipedream-2bw', microBatches: 2 },
    ];
    for (const options of every) {
      const attempt = plan({ ...options, train: { ...SGD, checkpointEvery: 1 } });
      const whole = await train(attempt);
      expect([...whole.checkpoints.keys()]).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
      for (const step of [1, 2, 3, 5, STEPS - 1]) {
        const again = await train(resumed(attempt, step), { from: whole.checkpoints.get(step)! });
        for (const [name, series] of whole.metrics) {
          if (name.endsWith('per_second')) continue;
          const rest = [...series].filter(([at]) => at > step);
          expect([...again.metrics.get(name)!], `${name} from ${step}`).toEqual(rest);
        }
        for (let later = step + 1; later <= STEPS; later++) expect(sorted(again, later)).toEqual(sorted(whole, later));
      }
    }
  });

  it('holds the versions that are still used, as many as the formula has', async () => {
    const attempt = plan({ ranks: 4, schedule: 'pipedream', microBatches: 1, train: { ...PLAIN, checkpointEvery: 1 } });
    const { checkpoints } = await train(attempt);
    const oldest = (step: number, name: string): string[] =>
      [...checkpoints.get(step)!.keys()].filter((key) => key.startsWith('weight') && key.endsWith(` ${name}`));
    expect(oldest(1, 'transformer.wte.weight')).toHaveLength(2);
    expect(oldest(7, 'transformer.wte.weight')).toEqual(
      ['weight', 'weight-1', 'weight-2', 'weight-3'].map((kind) => `${kind} transformer.wte.weight`),
    );
    expect(oldest(7, 'transformer.ln_f.weight')).toEqual(['weight transformer.ln_f.weight']);
    // Each of them is what was the newest that many updates ago.
    const at = (step: number, kind: string): unknown => checkpoints.get(step)!.get(`${kind} transformer.wte.weight`);
    expect(at(7, 'weight-3')).toEqual(at(4, 'weight'));
    expect(at(7, 'weight-1')).toEqual(at(6, 'weight'));
  });

  it('begins anew from a checkpoint of another schedule: version s is then its oldest', async () => {
    const first = await train(plan({ ranks: 1, schedule: '1f1b', microBatches: 1, steps: 3 }));
    const options: PlanOptions = { ranks: 2, schedule: 'pipedream', microBatches: 1 };
    const { weightVersions: _, ...manifest } = (resumed(plan(options), 3).resume as { manifest: ManifestDocument })
      .manifest;
    const attempt: AttemptPlan = { ...plan(options), firstStep: 4, resume: { from: 'checkpoint', manifest } };
    const whole = await train(
      { ...attempt, spec: { ...attempt.spec, train: { ...attempt.spec.train, checkpointEvery: 1 } } },
      { from: first.checkpoints.get(3)! },
    );
    expect([...whole.metrics.get('train/loss')!.keys()]).toEqual([4, 5, 6, 7, 8, 9]);
    const kinds = new Set([...whole.checkpoints.get(4)!.keys()].map((key) => key.split(' ')[0]));
    expect(kinds).toEqual(new Set(['weight', 'm', 'v', 'weight-1']));
    const again = await train(resumed(attempt, 4, 3), { from: whole.checkpoints.get(4)! });
    expect(sorted(again, STEPS)).toEqual(sorted(whole, STEPS));
  });

  it('pauses drained at one step of all ranks, and goes on to the same bits', async () => {
    const options: PlanOptions = { ranks: 3, schedule: 'pipedream', microBatches: 1, steps: 30 };
    const whole = await train(plan(options));
    let asked = false;
    const paused = await train(plan(options), {
      onMetrics: (step) => void (asked ||= step === 4),
      requests: { take: () => ({ checkpoint: false, stop: asked }) },
    });
    const { step } = paused.outcomes[0]!;
    expect(paused.outcomes).toEqual([0, 1, 2].map(() => ({ state: 'paused', step })));
    expect(step).toBeLessThan(30);
    expect([...paused.checkpoints.keys()]).toEqual([step]);
    expect([...paused.metrics.get('train/loss')!.keys()].at(-1)).toBe(step);
    const again = await train(resumed(plan(options), step), { from: paused.checkpoints.get(step)! });
    expect(sorted(again, 30)).toEqual(sorted(whole, 30));
  });

  it('takes a checkpoint when asked, without draining', async () => {
    let asked = false;
    const options: PlanOptions = { ranks: 2, schedule: 'pipedream-2bw', microBatches: 2 };
    const trained = await train(plan(options), {
      requests: { take: () => ({ checkpoint: !asked && (asked = true), stop: false }) },
    });
    expect([...trained.checkpoints.keys()]).toEqual([1, STEPS]);
    expect(sorted(trained, STEPS)).toEqual(sorted(await train(plan(options)), STEPS));
  });

  it('ends as numerics when a loss is no number, and stores nothing after it', async () => {
    const optimizer = { type: 'sgd', lr: 1e300 };
    const stored: number[] = [];
    const training = train(
      plan({ ranks: 1, schedule: 'pipedream', microBatches: 1, train: { ...PLAIN, optimizer, checkpointEvery: 1 } }),
      { storeDelay: () => Promise.resolve(void stored.push(1)) },
    );
    await expect(training).rejects.toMatchObject({ code: 'STAGE.NUMERICS' });
    expect(stored.length).toBeLessThan(4);
  });

  it('holds no more memory than it predicts, older versions included', async () => {
    const { log } = await train(plan({ ranks: 3, schedule: 'pipedream', microBatches: 1, verticalSync: true }));
    expect(log).toHaveLength(3);
    for (const line of log) {
      const [held, predicted] = [...line.matchAll(/([\d.]+) MiB/g)].map(([, number]) => Number(number));
      // The twins hold doubles.
      expect(held! / 2).toBeCloseTo(predicted!, 1);
    }
  });
});
