import { silentLogger, systemClock } from '@millrace/core';
import { openWebGpuBackend, type WebGpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attemptPlan, type PlanOptions } from '../../test/attempt-plans';
import { trainRanks } from '../../test/train-ranks';
import { applyEnvironment, mayHaveHardware, softwareDriverEnvironment } from '../config/driver-environment';
import type { TensorFrame } from '../data-plane/frame';
import { StageMemory } from './stage-memory';
import { stagePlan } from './stage-plan';

const SIZES = { layers: 4, heads: 4, hidden: 64, context: 32, vocab: 300 };
const FAMILIES = {
  gpt2: { ...SIZES, family: 'gpt2', ffn: 256 },
  llama: { ...SIZES, family: 'llama', kvHeads: 2, ffn: 150 },
} as const;
const SPLITS: readonly PlanOptions[] = [
  { ranks: 1 },
  { ranks: 2, recompute: 'selective' },
  { ranks: 3, schedule: 'gpipe', partition: [1, 3, 0], validation: 0 },
  { ranks: 2, schedule: 'interleaved', recompute: 'full' },
  { ranks: 2, schedule: 'zb-v', tied: false },
  { ranks: 4, schedule: 'zb-h2', recompute: 'full', validation: 0 },
  { ranks: 2, schedule: 'pipedream', tied: false },
  { ranks: 3, recompute: 'full', wire: 'f16' },
  { ranks: 2, schedule: 'zb-h2', precision: 'f16' },
  { ranks: 2, recompute: 'full', precision: 'f16', tied: false },
];

const openDevice = (): Promise<WebGpuBackend> => openWebGpuBackend({ clock: systemClock, logger: silentLogger });

/** Most of the time is for compiling, so that all cases share a device. */
let device: WebGpuBackend | undefined;

beforeAll(async () => {
  if (!mayHaveHardware()) applyEnvironment(softwareDriverEnvironment());
  device = await openDevice().catch(() => undefined);
}, 60_000);

afterAll(() => device?.destroy());

/** A step has a loss for each row, and partial sums for its norms. */
const STEP_READS_BYTES_MAX = 64 * 1024;

const RUNS = [
  { ranks: 2, wire: 'f16', steps: 2 },
  { ranks: 2, recompute: 'full', steps: 2 },
  { ranks: 2, schedule: 'pipedream-2bw', steps: 2, tied: false },
] as const;

describe.each(['gpt2', 'llama'] as const)('the memory of a rank of %s', (family) => {
  const model = FAMILIES[family];

  for (const options of SPLITS) {
    it(`is what was told before the run: ${JSON.stringify(options)}`, async ({ skip }) => {
      if (device === undefined) return skip('no adapter');
      const plan = attemptPlan({ ...options, model });
      for (const { rank } of plan.peers) {
        const memory = await StageMemory.open(device, stagePlan({ ...plan, rank }));
        expect(memory.allocatedBytes, `rank ${rank}`).toBe(memory.predictedBytes);
      }
    }, 120_000);
  }

  it('counts the sums of split products once where a GPU holds them', async ({ skip }) => {
    if (device === undefined) return skip('no adapter');
    const plan = stagePlan(attemptPlan({ schedule: 'interleaved', chunks: 2, model: { ...model, ffn: 600 } }));
    const told = await StageMemory.open(device, plan);
    expect(told.allocatedBytes).toBe(told.predictedBytes);
    const gpu = await openDevice();
    // It binds the programs of a GPU to the shaders of this adapter.
    Object.assign(gpu, { adapterClass: 'gpu', target: { ...gpu.target, adapterClass: 'gpu' } });
    const memory = await StageMemory.open(gpu, plan);
    expect(memory.allocatedBytes).toBe(memory.predictedBytes);
    expect(memory.predictedBytes - told.predictedBytes).toBe(6 * 2 ** 20);
    gpu.destroy();
  }, 120_000);

  for (const options of RUNS) {
    it(`stays so while it trains, evaluates and stores checkpoints: ${JSON.stringify(options)}`, async ({ skip }) => {
      if (device === undefined) return skip('no adapter');
      const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
      const plan = attemptPlan({ ...options, model, train: { checkpointEvery: 1, evalEvery: 1 } });
      const backends: WebGpuBackend[] = await Promise.all(plan.peers.map(openDevice));
      await trainRanks(plan, {
        openBackend: (rank) => backends[rank]!,
        transport: (rank) => network.transport(rank),
      });
      for (const [rank, backend] of backends.entries()) {
        const { predictedBytes } = await StageMemory.open(device, stagePlan({ ...plan, rank }));
        const { readbackBytes } = backend;
        expect(backend.allocatedBytes(), `rank ${rank}`).toBe(predictedBytes);
        expect(readbackBytes, `rank ${rank}`).toBeLessThanOrEqual(STEP_READS_BYTES_MAX);
        expect((predictedBytes + readbackBytes) / predictedBytes).toBeLessThan(1.05);
        backend.destroy();
      }
    }, 120_000);
  }
});
