import { setImmediate as soon } from 'node:timers/promises';
import { silentLogger, systemClock } from '@millrace/core';
import { type Backend, openCpuBackend, openWebGpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attemptPlan, type PlanOptions } from '../../../test/attempt-plans';
import { linkedTransports } from '../../../test/linked-transports';
import { trainRanks, type Trained, type TrainOptions } from '../../../test/train-ranks';
import { applyEnvironment, mayHaveHardware, softwareDriverEnvironment } from '../../config/driver-environment';
import type { TensorFrame } from '../../data-plane/frame';

const STEPS = 7;
/**
 * Every boundary is different: 2 and 6 evaluate, 4 stores a checkpoint, the last one does both, the others have nothing
 * due.
 */
const DUE = { evalEvery: 2, evalBatches: 1, checkpointEvery: 4 };
const AHEAD = [1, 3, 5];
/** Norms are larger than this at first and smaller at the end, which a test of each backend asserts. */
const SOMETIMES = 1;

interface Ran extends Trained {
  /** How often "step s+1 of rank r began before the decision on s". */
  readonly overlaps: number;
  readonly untaken: number;
}

/** Trains with decisions of rank 0 that come late, so that the next step gets as far as it can. */
async function train(options: PlanOptions, extra: Partial<TrainOptions> = {}): Promise<Ran> {
  let committed = 0;
  let overlaps = 0;
  const network = new InMemoryNetwork<TensorFrame>({
    onSend: async (_from, _to, { edge, step }) => {
      if (edge === 'activation' && step > committed + 1) overlaps++;
      if (edge !== 'commit') return;
      for (let turn = 0; turn < 20; turn++) await soon();
      committed = step;
    },
  });
  const { train: changes, ...rest } = options;
  const plan = attemptPlan({ steps: STEPS, microBatches: 3, ...rest, train: { ...DUE, ...changes } });
  const trained = await trainRanks(plan, {
    openBackend: () => openCpuBackend(),
    transport: (rank) => network.transport(rank),
    ...extra,
  });
  return { ...trained, overlaps, untaken: network.untaken().reduce((sum, count) => sum + count, 0) };
}

/** Everything that must not depend on when a rank updates. */
const result = ({ metrics, checkpoints }: Trained): unknown => ({
  metrics: new Map([...metrics].filter(([name]) => !name.startsWith('pipeline/') && !name.endsWith('per_second'))),
  checkpoints: new Map(
    [...checkpoints]
      .toSorted(([a], [b]) => a - b)
      .map(([step, tensors]) => [step, [...tensors].toSorted(([a], [b]) => (a < b ? -1 : 1))]),
  ),
});

/** How many steps that ran ahead of their decision have a norm that clips. */
function clipped({ metrics }: Trained, clip: number): number {
  return AHEAD.filter((step) => metrics.get('train/grad_norm')!.get(step)! + 1e-6 > clip).length;
}

const LAYERS_OF_8 = { model: { layers: 6 }, partition: [0, 1, 1, 1, 1, 1, 1, 0] };
const ON_4 = { ranks: 4, ...LAYERS_OF_8 };

describe('an optimistic step on the CPU twins', () => {
  it.each([
    { schedule: 'zb-h2', ranks: 1, microBatches: 2 },
    { schedule: 'zb-h2', ranks: 2, microBatches: 3 },
    { schedule: 'zb-h2', ranks: 3, microBatches: 5 },
    { schedule: 'zb-h2', ranks: 4, microBatches: 4 },
    { schedule: 'zb-v', ranks: 1, microBatches: 3 },
    { schedule: 'zb-v', ranks: 2, microBatches: 5 },
    { schedule: 'zb-v', ...ON_4, microBatches: 4 },
    { schedule: 'dualpipe-v', ranks: 1, microBatches: 5 },
    { schedule: 'dualpipe-v', ranks: 2, microBatches: 2 },
    { schedule: 'dualpipe-v', ...ON_4, microBatches: 5 },
  ] as const)(
    'gives the same bits on and off under $schedule on $ranks ranks, clipping never, always and sometimes',
    async (options) => {
      for (const clip of [undefined, 1e-3, SOMETIMES]) {
        const on = await train({ ...options, train: { clip } });
        const off = await train({ ...options, optimisticStep: false, train: { clip } });
        expect(result(on), `clip ${clip}`).toEqual(result(off));
        expect(off.rolledBack).toEqual(Array(options.ranks).fill(0));
        const expected = clipped(on, clip ?? Infinity);
        expect(on.rolledBack, `clip ${clip}`).toEqual(Array(options.ranks).fill(expected));
        if (clip === 1e-3) expect(expected).toBe(AHEAD.length);
        if (options.ranks > 1) expect(on.overlaps).toBeGreaterThan(0);
        expect([off.overlaps, on.untaken, off.untaken]).toEqual([0, 0, 0]);
      }
    },
  );

  it('rolls back some steps and keeps others in one run, and says so', async () => {
    const on = await train({ ranks: 2, schedule: 'zb-h2', train: { clip: SOMETIMES } });
    const [count] = on.rolledBack;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(AHEAD.length);
    expect(on.log).toContain(
      `info rank 1 updated ${count} steps twice, because the gradient norm clipped (parallel.optimisticStep)`,
    );
  });

  it('gives the same bits with SGD and its momentum, and without tied embeddings', async () => {
    for (const changes of [
      { train: { clip: 1e-2, optimizer: { type: 'sgd', lr: 0.1, momentum: 0.9 } } },
      { train: { clip: 1e-2, optimizer: { type: 'sgd', lr: 0.1 } } },
      { tied: false, train: { clip: 1e-2 } },
    ]) {
      const options = { ranks: 2, schedule: 'zb-v', ...changes } as const;
      const on = await train(options);
      expect(result(on)).toEqual(result(await train({ ...options, optimisticStep: false })));
      expect(on.rolledBack).toEqual([3, 3]);
    }
  });

  it('steps with everybody, where the schedule gains nothing by it', async () => {
    const { overlaps, rolledBack } = await train({ ranks: 2, schedule: '1f1b', train: { clip: 1e-3 } });
    expect([overlaps, rolledBack]).toEqual([0, [0, 0]]);
  });

  it.each(['zb-h2', 'zb-v', 'dualpipe-v'] as const)(
    'ends as numerics under %s at the step whose loss is no number, with the points before it',
    async (schedule) => {
      const points: number[][] = [];
      for (const optimisticStep of [true, false]) {
        const steps: number[] = [];
        points.push(steps);
        // Steps 1 to 6 run ahead of their decision.
        const changes = { optimizer: { type: 'adamw', lr: 1e300 }, clip: undefined, evalEvery: 0, checkpointEvery: 0 };
        const training = train(
          { ranks: 2, schedule, optimisticStep, train: changes },
          { onMetrics: (step) => void (steps.at(-1) === step || steps.push(step)) },
        );
        await expect(training).rejects.toMatchObject({ code: 'STAGE.NUMERICS' });
      }
      expect(points[0]!.length).toBeGreaterThan(0);
      expect(points[0]).toEqual(points[1]);
    },
  );

  it.each([undefined, 1e-3])('takes the checkpoint rank 0 is asked for as of that step, clip %s', async (clip) => {
    const options = { ranks: 3, schedule: 'zb-h2', train: { clip, evalEvery: 0, checkpointEvery: 0 } } as const;
    let boundary = 0;
    const asked = await train(options, { requests: { take: () => ({ checkpoint: ++boundary === 3, stop: false }) } });
    const straight = await train({
      ...options,
      train: { ...options.train, checkpointEvery: 1 },
      optimisticStep: false,
    });
    expect([...asked.checkpoints.keys()].toSorted()).toEqual([3, 7]);
    for (const step of [3, 7])
      expect(new Map([...asked.checkpoints.get(step)!].toSorted())).toEqual(
        new Map([...straight.checkpoints.get(step)!].toSorted()),
      );
  });

  it.each([undefined, 1e-3])('pauses after the step that rank 0 is asked at, clip %s', async (clip) => {
    const options = { ranks: 3, schedule: 'zb-h2', train: { clip, evalEvery: 0, checkpointEvery: 0 } } as const;
    let boundary = 0;
    const stop = (): { checkpoint: boolean; stop: boolean } => ({ checkpoint: true, stop: ++boundary === 3 });
    const paused = await train(options, { requests: { take: stop } });
    const straight = await train({
      ...options,
      train: { ...options.train, checkpointEvery: 1 },
      optimisticStep: false,
    });
    expect(paused.outcomes).toEqual(Array(3).fill({ state: 'paused', step: 3 }));
    expect([...paused.metrics.get('train/loss')!.keys()]).toEqual([1, 2, 3]);
    expect([...paused.checkpoints.get(3)!].toSorted()).toEqual([...straight.checkpoints.get(3)!].toSorted());
    expect(paused.untaken).toBe(0);
  });

  it('rejects on every rank when the transport fails before the word on a step', async () => {
    const network = new InMemoryNetwork<TensorFrame>({
      onSend: (_from, _to, { edge, step }) => {
        if (edge === 'commit' && step === 3) network.fail(new Error('cut'));
      },
    });
    const training = trainRanks(attemptPlan({ ranks: 3, schedule: 'zb-h2', train: { evalEvery: 0 } }), {
      openBackend: () => openCpuBackend(),
      transport: (rank) => network.transport(rank),
    });
    await expect(training).rejects.toThrow('cut');
  });
});

describe('an optimistic step over links', () => {
  it.each(['zb-h2', 'zb-v', 'dualpipe-v'] as const)(
    'comes to its end under %s with room for less than two tensors',
    async (schedule) => {
      // An activation of the twins has 1120 bytes.
      const { transports, close } = await linkedTransports(3, { windowBytes: 2048, partBytes: 512 });
      const options = { ranks: 3, schedule, microBatches: 5, model: { layers: 6 }, train: { clip: SOMETIMES } };
      try {
        const on = await train(options, { transport: (rank) => transports[rank]! });
        expect(result(on)).toEqual(result(await train({ ...options, optimisticStep: false })));
        expect(on.rolledBack[0]).toBeGreaterThan(0);
      } finally {
        close();
      }
    },
  );
});

describe('an optimistic step on WebGPU', () => {
  let device: Backend | undefined;
  beforeAll(async () => {
    if (!mayHaveHardware()) applyEnvironment(softwareDriverEnvironment());
    device = await openWebGpuBackend({ clock: systemClock, logger: silentLogger }).catch(() => undefined);
  }, 60_000);
  afterAll(() => device?.destroy(), 60_000);

  it.for(['zb-h2', 'zb-v', 'dualpipe-v'] as const)(
    'gives the same bits on and off under %s, clipping sometimes',
    { timeout: 300_000 },
    async (schedule, { skip }) => {
      if (device === undefined) skip('no adapter');
      const openBackend = (): Backend => device!;
      const options = { ranks: 2, schedule, train: { clip: SOMETIMES } };
      const on = await train(options, { openBackend });
      const off = await train({ ...options, optimisticStep: false }, { openBackend });
      expect(result(on)).toEqual(result(off));
      const count = clipped(on, SOMETIMES);
      expect(on.rolledBack).toEqual([count, count]);
      expect(count).toBeGreaterThan(0);
    },
  );
});
