import { describe, expect, it } from 'vitest';
import { modelConfigOf, parseRunSpec, type RunSpec } from '@millrace/contracts';
import { planRun } from './plan-run';
import type { PlannableDevice } from '../../ledger/runs/plan-basis';

function spec(parallel: Record<string, unknown> = {}): RunSpec {
  return parseRunSpec({
    name: 'odd',
    model: { family: 'gpt2', layers: 9, heads: 3, hidden: 60, context: 21 },
    data: { dataset: 'bytes' },
    train: { steps: 10, batch: { global: 10, micro: 2 }, optimizer: { type: 'adamw', lr: 0.001 } },
    parallel: { pp: 3, ...parallel },
  });
}

function device(label: string, gflops?: number, memoryBytes?: number): PlannableDevice {
  return { label, memoryBytes, benchmark: gflops === undefined ? {} : { matmulGflops: gflops, memoryGbps: 1000 } };
}

const MODEL = modelConfigOf(spec(), 97);
const plan = (devices: readonly PlannableDevice[], parallel: Record<string, unknown> = {}) =>
  planRun({ spec: spec(parallel), model: MODEL, devices, deviceOrder: 'free', advice: true });

describe('planRun', () => {
  it('takes the fastest devices and gives them layers by their speed', () => {
    const { devices, layersPerStage, microBatchesOf } = summary(
      plan([device('a', 5), device('b', 1), device('c', 20), device('d', 10)]),
    );
    expect([...devices].sort()).toEqual(['a', 'c', 'd']);
    const layersOf = (label: string): number => layersPerStage[devices.indexOf(label)] as number;
    expect(layersOf('c')).toBeGreaterThan(layersOf('d'));
    expect(layersOf('d')).toBeGreaterThan(layersOf('a'));
    expect(microBatchesOf).toBe(5);
  });

  it('leaves the order of devices for noise of their benchmarks as it is', () => {
    expect(plan([device('a', 10), device('b', 10.4), device('c', 9.8), device('d', 10.5)]).devices).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('holds each device to its memory', () => {
    const free = plan([device('a', 10), device('b', 10), device('c', 10)]);
    const [first] = free.ranks;
    const tight = (first?.memory.total ?? 0) * 0.8;
    const limited = plan([device('a', 10, tight), device('b', 10, tight), device('c', 10)]);
    expect(limited.ranks.every(({ memory, availableBytes = Infinity }) => memory.total <= availableBytes)).toBe(true);
    expect(() => plan([device('a', 10, 1000), device('b', 10, 1000), device('c', 10)])).toThrow(/no split fits/);
  });

  it('counts a device without a benchmark as an average one', () => {
    const devices = [device('a', 10), device('b'), device('c', 10)];
    expect(plan(devices).layersPerStage).toEqual(
      plan([device('a', 10), device('b', 10), device('c', 10)]).layersPerStage,
    );
  });

  it('tells of recompute and the other schedule without taking them', () => {
    const { setting, runnerUps } = plan([device('a', 10), device('b', 10), device('c', 10)], { recompute: 'full' });
    expect(setting).toEqual({ schedule: '1f1b', chunks: 1, microBatches: 5, recompute: 'full' });
    const none = runnerUps.find(({ name }) => name === '1f1b, m = 5');
    expect(none?.reason).toMatch(/less than the plan, but it is not what was asked for/);
    expect(runnerUps.map(({ name }) => name)).toContain('gpipe, m = 5, recompute selective');
  });
});

function summary({ devices, layersPerStage, setting }: ReturnType<typeof plan>): {
  devices: readonly string[];
  layersPerStage: readonly number[];
  microBatchesOf: number;
} {
  return { devices, layersPerStage, microBatchesOf: setting.microBatches };
}
