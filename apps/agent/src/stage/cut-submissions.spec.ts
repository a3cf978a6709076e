import { silentLogger, systemClock } from '@millrace/core';
import { openWebGpuBackend, type WebGpuBackend } from '@millrace/runtime';
import { InMemoryNetwork, openTestBackend } from '@millrace/testing';
import { expect, it } from 'vitest';
import { attemptPlan, type PlanOptions } from '../../test/attempt-plans';
import { trainRanks } from '../../test/train-ranks';
import type { TensorFrame } from '../data-plane/frame';

const STEPS = 2;

function countSubmissions(backend: WebGpuBackend): () => number {
  const { queue } = (backend as unknown as { parts: { device: GPUDevice } }).parts.device;
  const submit = queue.submit.bind(queue);
  let count = 0;
  queue.submit = (buffers) => {
    count++;
    return submit(buffers);
  };
  return () => count;
}

/** Losses, norms, weights and optimizer state of a run whose submissions are predicted to last for so long. */
async function train(options: PlanOptions, msMax: number): Promise<{ outcome: unknown; submissions: number }> {
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  const speed = { matmulGflops: 100, memoryGBps: 10 };
  const backend = await openWebGpuBackend({ clock: systemClock, logger: silentLogger, submissions: { speed, msMax } });
  const submissions = countSubmissions(backend);
  try {
    const trained = await trainRanks(attemptPlan({ steps: STEPS, ...options }), {
      openBackend: () => backend,
      transport: (rank) => network.transport(rank),
    });
    const state = [...trained.checkpoints.get(STEPS)!].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const metrics = ['train/loss', 'train/grad_norm', 'val/loss'].map((name) => [...trained.metrics.get(name)!]);
    return { outcome: { metrics, state }, submissions: submissions() };
  } finally {
    backend.destroy();
  }
}

it.for([
  { of: 'sizes that nothing divides', options: {} },
  { of: 'whole tiles', options: { model: { layers: 2, hidden: 64, context: 32, ffn: 128 } } },
  {
    of: 'sgd and recomputation',
    options: { recompute: 'full', train: { optimizer: { type: 'sgd', lr: 0.1, momentum: 0.9 } } },
  },
] as const)(
  'training gives the same bits however its work is cut into submissions: $of',
  { timeout: 300_000 },
  async ({ options }, { skip }) => {
    const probe = await openTestBackend(process.env);
    if (probe === undefined) return skip('no adapter');
    probe.destroy();
    const whole = await train(options, Infinity);
    const cut = await train(options, 1e-3);
    expect(cut.submissions).toBeGreaterThan(5 * whole.submissions);
    expect(cut.outcome).toEqual(whole.outcome);
  },
);
