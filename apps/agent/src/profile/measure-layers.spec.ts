import type { LayerWork } from '@millrace/contracts';
import { type Clock, sleep, systemClock } from '@millrace/core';
import { stageFlops } from '@millrace/model';
import { type Backend, openCpuBackend, pacedBackend } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { measureLayers } from './measure-layers';

/** Time passes only when somebody waits, and then at once. */
class WaitingClock implements Clock {
  ms = 0;
  now = (): number => this.ms;
  monotonicMs = (): number => this.ms;
  after(delayMs: number, task: () => void): () => void {
    queueMicrotask(() => {
      this.ms += delayMs;
      task();
    });
    return () => undefined;
  }
}

const WORK: LayerWork = {
  model: {
    family: 'gpt2',
    layers: 5,
    heads: 3,
    hidden: 60,
    ffn: 240,
    context: 21,
    vocab: 97,
    tieEmbeddings: true,
  },
  microBatch: 2,
  recompute: 'none',
  precision: 'f32',
};

it.each([1e-3, 10])('takes what a device of %d GFLOP/s takes for each part of the model', async (gflops) => {
  const clock = new WaitingClock();
  const backend = pacedBackend(openCpuBackend(), { gflops, clock });
  const before = backend.allocatedBytes();
  const { block, head, embedding } = await measureLayers(WORK, backend, clock);
  const slice = { firstLayer: 1, layerCount: 1, embedding: false, head: false };
  const { forward, backwardInput, backwardWeight } = stageFlops(WORK.model, slice, WORK);
  expect(block.F).toBeCloseTo(forward / gflops / 1e9, 9);
  expect(block.I).toBeCloseTo(backwardInput / gflops / 1e9, 9);
  expect(block.W).toBeCloseTo(backwardWeight / gflops / 1e9, 9);
  expect(head.F).toBeGreaterThan(0);
  expect(embedding.F).toBeLessThan(block.F);
  expect(backend.allocatedBytes(), 'everything is given back').toBe(before);
  backend.destroy();
});

it('measures no sleep where a device takes no more until it is done with what it has', async () => {
  const clock = new WaitingClock();
  const paced = pacedBackend(openCpuBackend(), { gflops: 1, clock });
  const sleeping: Partial<Backend> = {
    throttle: () => paced.finish(),
    // A real device is not asked before most of the expected time has passed.
    finish: async (expectedMs = 0) => {
      if (expectedMs > 0) await sleep(clock, 0.9 * expectedMs);
      await paced.finish();
    },
  };
  const backend = new Proxy(paced, {
    get: (target, key) => (sleeping[key as keyof Backend] ?? Reflect.get(target, key)) as unknown,
  });
  const { block } = await measureLayers(WORK, backend, clock);
  const slice = { firstLayer: 1, layerCount: 1, embedding: false, head: false };
  expect(block.F).toBeCloseTo(stageFlops(WORK.model, slice, WORK).forward / 1e9, 9);
  backend.destroy();
});

it('runs the real programs', async () => {
  const backend = openCpuBackend();
  const { block } = await measureLayers({ ...WORK, recompute: 'full' }, backend, systemClock);
  for (const seconds of Object.values(block)) expect(seconds).toBeGreaterThan(0);
  backend.destroy();
});
