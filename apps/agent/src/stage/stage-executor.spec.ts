import { systemClock, silentLogger } from '@millrace/core';
import { type Backend, openCpuBackend, openWebGpuBackend } from '@millrace/runtime';
import type { Batch } from '@millrace/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttemptPlan, ManifestDocument } from '@millrace/contracts';
import { InMemoryNetwork } from '@millrace/testing';
import { attemptPlan, type PlanOptions } from '../../test/attempt-plans';
import { trainRanks, type Trained, type TrainOptions } from '../../test/train-ranks';
import { applyEnvironment, mayHaveHardware, softwareDriverEnvironment } from '../config/driver-environment';
import type { DataSource } from './stage-ports';
import type { TensorFrame } from '../data-plane/frame';

type Open = () => Promise<Backend>;

/** Every rank and test shares one device, since compiling takes most of the time. */
let device: Backend | undefined;

function train(open: Open, options: PlanOptions, extra: Partial<TrainOptions> = {}): Promise<Trained> {
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  return trainRanks(attemptPlan(options), {
    openBackend: open,
    transport: (rank) => network.transport(rank),
    ...extra,
  });
}

const without = (trained: Trained): unknown => ({
  loss: trained.metrics.get('train/loss'),
  norm: trained.metrics.get('train/grad_norm'),
  lr: trained.metrics.get('train/lr'),
  validation: trained.metrics.get('val/loss'),
  weights: [...(trained.checkpoints.get(4) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1)),
});

/** The manifest of step 2; the tensors come from elsewhere. */
const manifestOf = ({ model }: AttemptPlan, type: 'adamw' | 'sgd'): ManifestDocument => ({
  version: 1,
  runId: 'run_test',
  step: 2,
  model,
  rng: { seed: 42 },
  dataPosition: { samples: 16 },
  optimizer: { type, step: 2 },
  tensors: [],
});

/** The bit-exactness contract, for each backend. */
function contract(name: string, open: Open, available: () => boolean): void {
  describe(`a stage executor on ${name}`, () => {
    let whole: Trained;
    beforeAll(async () => {
      if (available()) whole = await train(open, { ranks: 1 });
    }, 300_000);

    it('trains: the loss falls, every step has its points, the last one a checkpoint', ({ skip }) => {
      if (!available()) skip('no adapter');
      const losses = [...(whole.metrics.get('train/loss') ?? [])];
      expect(losses.map(([step]) => step)).toEqual([1, 2, 3, 4]);
      expect(losses.at(-1)![1]).toBeLessThan(losses[0]![1]);
      expect([...whole.metrics.get('val/loss')!.keys()]).toEqual([2, 4]);
      expect([...whole.checkpoints.keys()]).toEqual([4]);
      expect(whole.outcomes).toEqual([{ state: 'finished', step: 4 }]);
      expect(whole.log).toEqual([expect.stringMatching(/^info rank 0 holds .* recompute none$/)]);
    });

    for (const [ranks, schedule] of [
      [1, 'gpipe'],
      [2, '1f1b'],
      [2, 'gpipe'],
      [4, '1f1b'],
      [4, 'gpipe'],
    ] as const) {
      it(`gives the same bits on ${ranks} ranks under ${schedule}`, async ({ skip }) => {
        if (!available()) skip('no adapter');
        expect(without(await train(open, { ranks, schedule }))).toEqual(without(whole));
      });
    }

    for (const [schedule, ranks, chunks, microBatches] of [
      ['interleaved', 2, 2, 4],
      ['interleaved', 2, 2, 5],
      ['interleaved', 1, 4, 3],
      ['looped-bfs', 2, 2, 5],
      ['zb-h1', 3, 1, 5],
      ['zb-h2', 3, 1, 5],
      ['zb-h2', 2, 1, 2],
      ['zb-v', 2, 2, 5],
      ['zb-v', 1, 2, 3],
      ['dualpipe-v', 2, 2, 5],
      ['dualpipe-v', 2, 2, 2],
    ] as const) {
      it(`gives the same bits under ${schedule} with ${chunks} chunks on ${ranks} ranks`, async ({ skip }) => {
        if (!available()) skip('no adapter');
        const one = microBatches === 4 ? whole : await train(open, { ranks: 1, microBatches });
        const several = await train(open, { ranks, schedule, chunks, microBatches });
        expect(without(several)).toEqual(without(one));
      });
    }

    for (const [ranks, schedule, recompute] of [
      [1, '1f1b', 'full'],
      [3, 'gpipe', 'full'],
      [4, '1f1b', 'full'],
      [1, 'gpipe', 'selective'],
      [2, '1f1b', 'selective'],
    ] as const) {
      it(`gives the same bits on ${ranks} ranks under ${schedule} with recompute ${recompute}`, async ({ skip }) => {
        if (!available()) skip('no adapter');
        expect(without(await train(open, { ranks, schedule, recompute }))).toEqual(without(whole));
      });
    }

    for (const momentum of [0, 0.9]) {
      it(`trains by SGD with momentum ${momentum}, the same bits on 3 ranks with full recompute`, async ({ skip }) => {
        if (!available()) skip('no adapter');
        const options = { train: { optimizer: { type: 'sgd', lr: 0.1, momentum, weightDecay: 0.1 } } };
        const one = await train(open, options);
        const kinds = [...one.checkpoints.get(4)!.keys()].map((key) => key.split(' ')[0]);
        expect(new Set(kinds)).toEqual(new Set(momentum === 0 ? ['weight'] : ['weight', 'momentum']));
        expect(without(await train(open, { ...options, ranks: 3, recompute: 'full' }))).toEqual(without(one));
      });
    }

    it('gives the same bits without tied embeddings on 1 and 3 ranks', async ({ skip }) => {
      if (!available()) skip('no adapter');
      const [one, three] = [await train(open, { tied: false }), await train(open, { tied: false, ranks: 3 })];
      expect(without(three)).toEqual(without(one));
    });

    it('goes on from a checkpoint of SGD with its momentum', async ({ skip }) => {
      if (!available()) skip('no adapter');
      const sgd = { optimizer: { type: 'sgd', lr: 0.1, momentum: 0.9 } };
      const straight = await train(open, { train: { ...sgd, checkpointEvery: 2 } });
      const plan = attemptPlan({ ranks: 2, train: sgd });
      const network = new InMemoryNetwork<TensorFrame>();
      const resumed = await trainRanks(
        { ...plan, firstStep: 3, resume: { from: 'checkpoint', manifest: manifestOf(plan, 'sgd') } },
        { openBackend: open, transport: (rank) => network.transport(rank), from: straight.checkpoints.get(2)! },
      );
      expect(resumed.metrics.get('train/loss')!.get(4)).toBe(straight.metrics.get('train/loss')!.get(4));
      const sorted = ({ checkpoints }: Trained): unknown[] => [...checkpoints.get(4)!].toSorted();
      expect(sorted(resumed)).toEqual(sorted(straight));
    });

    it('goes on from a checkpoint bit for bit, on another number of ranks', async ({ skip }) => {
      if (!available()) skip('no adapter');
      const first = await train(open, { ranks: 2, train: { checkpointEvery: 2 } });
      expect([...first.checkpoints.keys()]).toEqual([2, 4]);
      const network = new InMemoryNetwork<TensorFrame>();
      const plan = attemptPlan({ ranks: 4, schedule: 'gpipe' });
      const manifest = manifestOf(plan, 'adamw');
      const second = await trainRanks(
        { ...plan, firstStep: 3, resume: { from: 'checkpoint', manifest } },
        { openBackend: open, transport: (rank) => network.transport(rank), from: first.checkpoints.get(2)! },
      );
      expect(second.checkpoints.get(4)).toEqual(
        new Map([...second.checkpoints.get(4)!].map(([key]) => [key, whole.checkpoints.get(4)!.get(key)])),
      );
      expect(second.metrics.get('train/loss')!.get(4)).toBe(whole.metrics.get('train/loss')!.get(4));
    });
  });
}

contract(
  'the CPU twins',
  () => Promise.resolve(openCpuBackend()),
  () => true,
);

beforeAll(async () => {
  if (!mayHaveHardware()) applyEnvironment(softwareDriverEnvironment());
  device = await openWebGpuBackend({ clock: systemClock, logger: silentLogger }).catch(() => undefined);
}, 60_000);
afterAll(() => device?.destroy(), 60_000);
contract(
  'WebGPU',
  () => Promise.resolve(device!),
  () => device !== undefined,
);

describe('a stage executor', () => {
  const cpu: Open = () => Promise.resolve(openCpuBackend());

  it('pauses at the boundary that rank 0 was asked for, with a checkpoint of that step on every rank', async () => {
    let asked = false;
    const paused = await train(
      cpu,
      { ranks: 2, steps: 50 },
      {
        onMetrics: (step) => void (asked ||= step === 3),
        requests: { take: () => ({ checkpoint: false, stop: asked }) },
      },
    );
    const { step } = paused.outcomes[0]!;
    expect(paused.outcomes).toEqual([
      { state: 'paused', step },
      { state: 'paused', step },
    ]);
    expect(step).toBeLessThan(10);
    expect([...paused.checkpoints.keys()]).toEqual([step]);
  });

  it('takes a checkpoint when asked and goes on', async () => {
    let asked = false;
    const trained = await train(
      cpu,
      { ranks: 2 },
      {
        requests: { take: () => ({ checkpoint: !asked && (asked = true), stop: false }) },
      },
    );
    expect([...trained.checkpoints.keys()]).toEqual([1, 4]);
    expect(trained.outcomes[1]).toEqual({ state: 'finished', step: 4 });
  });

  it('ends as numerics on every rank when a loss is no number, and updates nothing', async () => {
    const training = train(cpu, { ranks: 2, train: { optimizer: { type: 'adamw', lr: 1e300 }, clip: undefined } });
    await expect(training).rejects.toMatchObject({ code: 'STAGE.NUMERICS' });
  });

  it('stores the weights of its step, however slowly they are taken while training goes on', async () => {
    for (const schedule of ['1f1b', 'zb-h2'] as const) {
      const options = { ranks: 2, schedule, train: { checkpointEvery: 2 } };
      const whole = await train(cpu, options);
      const slow = await train(cpu, options, {
        snapshotWindow: { groupBytes: 128, groupCount: 2 },
        takePiece: () => new Promise((resolve) => setImmediate(resolve)),
      });
      for (const step of [2, 4])
        expect([...slow.checkpoints.get(step)!].toSorted()).toEqual([...whole.checkpoints.get(step)!].toSorted());
      expect(slow.metrics.get('train/loss')).toEqual(whole.metrics.get('train/loss'));
    }
  });

  it('has at most one checkpoint on its way', async () => {
    let running = 0;
    let most = 0;
    await train(
      cpu,
      { ranks: 1, train: { checkpointEvery: 1 } },
      {
        storeDelay: async () => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 20));
          running--;
        },
      },
    );
    expect(most).toBe(1);
  });

  it('validates on every sequence of the set once, whatever the batch', async () => {
    // There are three sequences, and a step that hardly moves the weights, so that only the evaluation could differ.
    const still = { optimizer: { type: 'adamw', lr: 1e-30, weightDecay: 0 }, evalEvery: 1, evalBatches: 8 };
    const fixed = { steps: 1, validation: 0.011, train: still };
    const batches = [
      { micro: 1, microBatches: 1 },
      { micro: 2, microBatches: 1 },
      { micro: 2, microBatches: 2 },
      { micro: 3, microBatches: 1 },
      { micro: 1, microBatches: 4, ranks: 3 },
    ];
    const losses: number[] = [];
    for (const batch of batches)
      losses.push((await train(cpu, { ...fixed, ...batch })).metrics.get('val/loss')!.get(1)!);
    for (const loss of losses) expect(loss).toBeCloseTo(losses[0]!, 9);
  });

  it('weighs micro-batches by their tokens, whatever the number of ranks', async () => {
    // In micro-batch j, no target after the first 3 j + 1 counts.
    const cut = (targets: Uint32Array, microBatch: number): Uint32Array =>
      targets.map((target, row) => (row <= 3 * microBatch ? target : -1));
    const mapData = (data: DataSource): DataSource => {
      const less = ({ inputs, targets }: Batch, microBatch: number): Batch => ({
        inputs,
        targets: cut(targets, microBatch),
      });
      return {
        train: (step, microBatch) => less(data.train(step, microBatch), microBatch),
        validation: (microBatch) => less(data.validation(microBatch), microBatch % 4),
      };
    };
    const one = await train(cpu, { ranks: 1 }, { mapData });
    const three = await train(cpu, { ranks: 3, schedule: 'gpipe' }, { mapData });
    expect(without(three)).toEqual(without(one));
    // A fresh model's loss per counted token is near log(vocabulary); divided by all 56 rows it would be 1.2.
    expect(one.metrics.get('train/loss')!.get(1)).toBeCloseTo(Math.log(23), 0);
    expect(one.metrics.get('val/loss')!.get(2)).toBeCloseTo(Math.log(23), 0);
  });

  it('reports what it executed and where it waited', async () => {
    const { traces } = await train(cpu, { ranks: 2 });
    // Rank 0 has nothing else to do before it gets a gradient; rank 1 may find its first input there.
    const first = traces.find(({ rank }) => rank === 0)!;
    expect(first.spans.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['0F0', 'wait:0RECV_B0', '0I0', '0W3', '0REDUCE']),
    );
  });

  it('rejects on every rank when the transport fails', async () => {
    const network = new InMemoryNetwork<TensorFrame>({
      onSend: (_from, _to, frame) => {
        if (frame.step === 2) network.fail(new Error('cut'));
      },
    });
    const training = trainRanks(attemptPlan({ ranks: 2 }), {
      openBackend: cpu,
      transport: (rank) => network.transport(rank),
    });
    await expect(training).rejects.toThrow('cut');
  });
});
