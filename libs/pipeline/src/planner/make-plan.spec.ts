import { describe, expect, it } from 'vitest';
import { comparedWithAll, requestFor, SYNCHRONOUS } from '../../test/exhaustive-search';
import { randomRequest } from '../../test/random-cluster';
import { MEBIBYTE, plainRequest } from '../../test/plain-request';
import { makePlan } from './make-plan';
import type { Plan } from './plan';
import type { PlanRequest } from './plan-request';

describe('makePlan against exhaustive search', () => {
  it(
    'is never worse than 1% above the best on 240 clusters of unequal devices, nor than what others would split',
    { timeout: 180_000 },
    () => {
      const plans = Array.from({ length: 240 }, (_, seed) =>
        comparedWithAll(randomRequest(seed, { ranksMax: 4, blocksMax: 9 })),
      ).filter((plan) => plan !== undefined);
      expect(plans.length).toBeGreaterThan(200);
      for (const name of ['even split', "DeepSpeed's parameters rule"]) {
        const others = plans.flatMap(({ runnerUps, stepSeconds }) => {
          const outline = runnerUps.find((other) => other.name === name)?.outline;
          return outline?.fits === true ? [outline.stepSeconds / stepSeconds] : [];
        });
        expect(others.length).toBeGreaterThan(100);
        expect(Math.min(...others)).toBeGreaterThanOrEqual(1 - 1e-12);
        const median = others.sort((a, b) => a - b)[Math.floor(others.length / 2)];
        expect(median).toBeGreaterThan(1.1);
      }
    },
  );

  it.each(SYNCHRONOUS)('comes within a hundredth of the best for %s, %i chunks', (...each) => {
    for (let seed = 2000; seed < 2040; seed++) {
      const request = requestFor(seed, each);
      if (request !== undefined) comparedWithAll(request);
    }
  });

  it('stays within 1% where orders of devices are too many to try all', () => {
    for (let seed = 1000; seed < 1002; seed++) {
      const request = randomRequest(seed, { ranksMin: 7, ranksMax: 7, blocksMax: 8 });
      comparedWithAll({ ...request, deviceOrder: 'free', candidates: request.candidates.slice(-1) });
    }
  });
});

describe('makePlan', () => {
  it('gives fast devices more layers, and leaves the ends empty where embedding or head is enough', () => {
    const plan = makePlan(plainRequest({ speeds: [1, 2], deviceOrder: 'given' }));
    expect(plan.layersPerStage).toEqual([2, 4]);
    expect(plan.stages[1]).toMatchObject({ rank: 1, firstLayer: 2, layerCount: 4, head: true, times: { F: 2.25 } });
    const slowEnd = plainRequest({ speeds: [0.05, 1, 1], deviceOrder: 'given' });
    expect(makePlan(slowEnd).layersPerStage[0]).toBe(0);
    expect(makePlan({ ...slowEnd, emptyEnds: false }).layersPerStage[0]).toBe(1);
  });

  it('chooses the faster of more devices, and only for a gain worth it', () => {
    const spare = plainRequest({ speeds: [1, 1, 1.05], ranks: 2 });
    expect(makePlan(spare).devices).toContain('c:0');
    expect(makePlan({ ...spare, reorderGain: 0.1 }).devices).toEqual(['a:0', 'b:0']);
    expect(makePlan(plainRequest({ speeds: [1, 1, 3], ranks: 2, reorderGain: 0.1 })).devices).toContain('c:0');
  });

  it('keeps layers that the user fixed and chooses devices for them', () => {
    const plan = makePlan(plainRequest({ speeds: [3, 1], layersPerStage: [1, 5] }));
    expect(plan.layersPerStage).toEqual([1, 5]);
    expect(plan.devices).toEqual(['b:0', 'a:0']);
  });

  it('counts what memory holds: weights, gradients, optimizer, and micro-batches in flight', () => {
    const { ranks, stages } = makePlan(plainRequest({ speeds: [1, 1], deviceOrder: 'given', layersPerStage: [3, 3] }));
    // Embedding or head and 3 blocks; 2 micro-batches in flight on rank 0, 1 on rank 1, backward one at a time.
    expect(ranks[0]?.memory).toEqual({
      weights: 40 * MEBIBYTE,
      gradients: 40 * MEBIBYTE,
      optimizer: 80 * MEBIBYTE,
      activations: (2 * 4 * 10 + 4) * MEBIBYTE,
      working: 2 * MEBIBYTE,
      total: 246 * MEBIBYTE,
    });
    expect(stages[1]?.memory.activations).toBe((4 * 10 + 4) * MEBIBYTE);
  });

  it('plans a schedule without a flush by its steady state, and counts its weight versions', () => {
    const asynchronous = { schedule: 'pipedream', chunks: 1, microBatches: 1, recompute: 'none' } as const;
    const request = plainRequest({ speeds: [1, 2], deviceOrder: 'given', candidates: [asynchronous] });
    const workloads = [{ ...request.workloads[0]!, microBatches: 1 }];
    const plan = makePlan({ ...request, workloads });
    // The slower stage sets the pace; filling and draining are not in the step.
    expect(plan.layersPerStage).toEqual([2, 4]);
    expect(plan.stepSeconds).toBeCloseTo(3 * 2.25, 9);
    const busy = plan.ranks.map(({ busySeconds }) => busySeconds);
    expect(busy[0]).toBeCloseTo(3 * 2.1, 9);
    expect(busy[1]).toBeCloseTo(3 * 2.25, 9);
    expect(plan.stages.map(({ memory }) => memory.weights / MEBIBYTE)).toEqual([2 * 30, 50]);
    const vertical = makePlan({ ...request, workloads, candidates: [{ ...asynchronous, verticalSync: true }] });
    expect(vertical.stages.map(({ memory }) => memory.weights / MEBIBYTE)).toEqual([2 * 30, 2 * 50]);
  });

  it('recomputes only where memory asks for it, and says what is short when nothing fits', () => {
    const setting = { schedule: '1f1b', chunks: 1, microBatches: 4 };
    const candidates = [
      { ...setting, recompute: 'none' },
      { ...setting, recompute: 'full' },
    ] as const;
    const plan = (mebibytes: number): Plan =>
      makePlan(plainRequest({ speeds: [1, 1], memoryBytes: mebibytes * MEBIBYTE, candidates }));
    expect(plan(300).setting.recompute).toBe('none');
    const tight = plan(190);
    expect(tight.setting.recompute).toBe('full');
    expect(tight.runnerUps.find(({ name }) => name === '1f1b, m = 4')?.reason).toMatch(/^rank \d on [ab]:0 would need/);
    expect(() => plan(100)).toThrow(
      expect.objectContaining({ code: 'PIPELINE.PLAN_DOES_NOT_FIT', message: expect.stringMatching(/and lacks/) }),
    );
  });

  it('counts what a device holds whatever the split', () => {
    const plan = (heldBytes: number, memoryBytes: number): Plan => {
      const { devices, ...request } = plainRequest({ speeds: [1, 1], memoryBytes });
      return makePlan({ ...request, devices: devices.map((device) => ({ ...device, heldBytes })) });
    };
    const totals = (made: Plan): number[] => made.ranks.map(({ memory }) => memory.total);
    const free = totals(plan(0, 300 * MEBIBYTE));
    expect(totals(plan(5 * MEBIBYTE, 300 * MEBIBYTE))).toEqual(free.map((bytes) => bytes + 5 * MEBIBYTE));
    const most = Math.max(...free);
    expect(plan(0, most).fits).toBe(true);
    expect(() => plan(5 * MEBIBYTE, most)).toThrow(expect.objectContaining({ code: 'PIPELINE.PLAN_DOES_NOT_FIT' }));
  });

  it('tells what it may not choose, and what cannot be made', () => {
    const full = { schedule: '1f1b', chunks: 1, microBatches: 4, recompute: 'full' } as const;
    const advice = { ...full, recompute: 'none', adviceOnly: true } as const;
    const none = { ...full, schedule: 'no-such' };
    const plan = makePlan(plainRequest({ speeds: [1, 1], candidates: [full, advice, none] }));
    expect(plan.setting.recompute).toBe('full');
    const reasons = Object.fromEntries(plan.runnerUps.map(({ name, reason }) => [name, reason]));
    expect(reasons['1f1b, m = 4']).toMatch(/% less than the plan, but it is not what was asked for$/);
    expect(reasons['no-such, m = 4, recompute full']).toMatch(/schedule "no-such" is not available/);
    expect(() => makePlan(plainRequest({ speeds: [1, 1], candidates: [none] }))).toThrow(/not available/);
  });

  it('takes links into account: a slow one is not on the way', () => {
    const slow = { bytesPerSecond: MEBIBYTE / 10, latencySeconds: 0 };
    const fast = { bytesPerSecond: MEBIBYTE * 1000, latencySeconds: 0 };
    // Between a and b it is slow, so that c stands between them.
    const links = [0, 1, 2].map((from) => [0, 1, 2].map((to) => (from + to === 1 ? slow : fast)));
    expect(makePlan(plainRequest({ speeds: [1, 1, 1], links })).devices[1]).toBe('c:0');
  });

  it('refuses requests that contradict themselves', () => {
    const request = plainRequest({ speeds: [1, 1] });
    const refused =
      (changes: Partial<PlanRequest>): (() => Plan) =>
      () =>
        makePlan({ ...request, ...changes });
    expect(refused({ ranks: 3 })).toThrow(/3 ranks and 2 devices/);
    expect(refused({ candidates: [] })).toThrow(/no candidate may win/);
    expect(refused({ workloads: [] })).toThrow(/a candidate has 4 micro-batches/);
    expect(refused({ layersPerStage: [1, 1] })).toThrow(/add up to 2/);
    expect(refused({ devices: [{ label: 'x', kind: 'other' }, request.devices[0]!] })).toThrow(/kind other/);
    expect(refused({ reorderGain: 1 })).toThrow(/reorderGain/);
    const links = [[undefined, { bytesPerSecond: 0, latencySeconds: 0 }]];
    expect(refused({ links })).toThrow(/not a link/);
    const nine = plainRequest({ speeds: Array.from({ length: 9 }, () => 1) });
    expect(() => makePlan(nine)).toThrow(/9 stages need at least 7 layers/);
  });
});
