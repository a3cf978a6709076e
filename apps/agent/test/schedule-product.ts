import { systemClock } from '@millrace/core';
import { openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { expect } from 'vitest';
import type { Frame } from '../src/data-plane/frame';
import { attemptPlan, type PlanOptions } from './attempt-plans';
import { trainRanks } from './train-ranks';

/** Sizes of which nothing divides anything. */
const ODD: PlanOptions = {
  micro: 1,
  microBatches: 5,
  steps: 2,
  train: { clip: 0.5, evalEvery: 0, evalBatches: 1, checkpointEvery: 0 },
};
const ODD_MODEL = { heads: 3, hidden: 60, ffn: 61, context: 21, vocab: 97 };

/** The schedules that `optimisticStep` changes. */
const OPTIMISTIC: readonly PlanOptions['schedule'][] = ['zb-h2', 'zb-v', 'dualpipe-v'];

/** What must not depend on how a run is cut: losses, norms, validation, weights and optimizer state. */
export async function outcome(layers: number, options: PlanOptions): Promise<unknown> {
  const network = new InMemoryNetwork<Frame>({ now: () => systemClock.now() });
  const trained = await trainRanks(attemptPlan({ ...ODD, model: { ...ODD_MODEL, layers }, ...options }), {
    openBackend: () => openCpuBackend(),
    transport: (rank) => network.transport(rank),
  });
  const weights = [...(trained.checkpoints.get(2) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { metrics: new Map([...trained.metrics].filter(([name]) => !name.endsWith('per_second'))), weights };
}

/** `splits`: layers of each stage, one entry for every number of ranks; their sums are equal. */
export async function expectOutcomeOfAll(
  whole: unknown,
  schedule: PlanOptions['schedule'],
  splits: ReadonlyMap<number, readonly number[]>,
): Promise<void> {
  for (const [ranks, partition] of splits) {
    const layers = partition.reduce((sum, count) => sum + count, 0);
    const chunks = partition.length / ranks;
    for (const recompute of ['none', 'full', 'selective'] as const) {
      for (const optimisticStep of OPTIMISTIC.includes(schedule) ? [true, false] : [true]) {
        const name = `${ranks} ranks, recompute ${recompute}, optimistic step ${optimisticStep}`;
        const options = { ranks, schedule, chunks, recompute, partition, optimisticStep };
        expect(await outcome(layers, options), name).toEqual(whole);
      }
    }
  }
}
