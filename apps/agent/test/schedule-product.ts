import { type Recompute, RECOMPUTE_SETTINGS, systemClock } from '@millrace/core';
import { type ScheduleName, scheduleTraits } from '@millrace/pipeline';
import { openCpuBackend } from '@millrace/runtime';
import { InMemoryNetwork } from '@millrace/testing';
import { expect } from 'vitest';
import type { TensorFrame } from '../src/data-plane/frame';
import { attemptPlan, type PlanOptions } from './attempt-plans';
import { trainRanks } from './train-ranks';

/** Sizes of which nothing divides anything. Without evaluation, whose loss is no part of what is compared here. */
const ODD: PlanOptions = {
  micro: 1,
  microBatches: 5,
  validation: 0,
  train: { clip: 0.5, evalEvery: 0, evalBatches: 1, checkpointEvery: 0 },
};
const ODD_MODEL = { heads: 3, hidden: 60, ffn: 17, context: 21, vocab: 97 };

/** Four layers cut for a schedule of each kind: its name, ranks, and layers of each stage. */
export const SCHEDULE_OF_EACH_KIND = [
  ['1f1b', 4, [1, 1, 2, 0]],
  ['zb-h2', 3, [0, 3, 1]],
  ['interleaved', 2, [1, 2, 1, 0]],
  ['zb-v', 2, [0, 2, 1, 1]],
] as const;

/** One step says all, since weights and optimizer state are compared; stepping optimistically takes a next one. */
const STEPS = { alone: 1, ahead: 2 };

/** What must not depend on how a run is cut: losses, norms, weights and optimizer state. */
async function outcome(layers: number, steps: number, options: PlanOptions): Promise<unknown> {
  const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
  const trained = await trainRanks(
    attemptPlan({ ...ODD, steps, ...options, model: { ...ODD_MODEL, layers, ...options.model } }),
    {
      openBackend: () => openCpuBackend(),
      transport: (rank) => network.transport(rank),
    },
  );
  const weights = [...(trained.checkpoints.get(steps) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const numbers = ['train/loss', 'train/grad_norm', 'train/lr'].map((name) => [...(trained.metrics.get(name) ?? [])]);
  expect(weights.length).toBeGreaterThan(0);
  expect(numbers.map(({ length }) => length)).toEqual([steps, steps, steps]);
  return { numbers, weights };
}

/** In what a run differs from the usual one: fields of its model (family and sizes), and its precision. */
type Training = Pick<PlanOptions, 'model' | 'precision'>;

export interface WholeOutcomes {
  readonly training: Training;
  /** The outcomes by the number of steps, on one rank. */
  readonly bySteps: ReadonlyMap<number, unknown>;
}

export async function wholeOutcomes(layers: number, training: Training = {}): Promise<WholeOutcomes> {
  const bySteps = new Map<number, unknown>();
  for (const steps of Object.values(STEPS)) {
    bySteps.set(steps, await outcome(layers, steps, { ranks: 1, partition: [layers], ...training }));
  }
  return { training, bySteps };
}

/** `splits`: layers of each stage, one entry for every number of ranks; their sums are equal. */
export async function expectOutcomeOfAll(
  whole: WholeOutcomes,
  schedule: ScheduleName,
  splits: ReadonlyMap<number, readonly number[]>,
): Promise<void> {
  for (const [ranks, partition] of splits)
    for (const recompute of RECOMPUTE_SETTINGS) await expectOutcome(whole, schedule, { ranks, partition, recompute });
}

/**
 * The same with every split of `layers` over 1 to 4 ranks, where only the ends may be empty: recompute settings take
 * turns.
 */
export async function expectOutcomeOfEverySplit(
  whole: WholeOutcomes,
  schedule: ScheduleName,
  { layers, chunks }: { readonly layers: number; readonly chunks: number },
): Promise<void> {
  let turn = 0;
  for (let ranks = 1; ranks <= 4; ranks++) {
    for (const partition of splitsOf(layers, ranks * chunks)) {
      const recompute = RECOMPUTE_SETTINGS[turn++ % RECOMPUTE_SETTINGS.length]!;
      await expectOutcome(whole, schedule, { ranks, partition, recompute });
    }
  }
}

function* splitsOf(layers: number, stages: number, before: readonly number[] = []): Generator<number[]> {
  const stage = before.length;
  if (stage === stages - 1) return yield [...before, layers];
  const fewest = stage === 0 ? 0 : 1;
  const laterFewest = Math.max(0, stages - stage - 2);
  for (let count = fewest; count <= layers - laterFewest; count++)
    yield* splitsOf(layers - count, stages, [...before, count]);
}

interface Cut {
  readonly ranks: number;
  readonly partition: readonly number[];
  readonly recompute: Recompute;
}

async function expectOutcome({ training, bySteps }: WholeOutcomes, schedule: ScheduleName, cut: Cut): Promise<void> {
  const { ranks, partition } = cut;
  const layers = partition.reduce((sum, count) => sum + count, 0);
  for (const optimisticStep of scheduleTraits(schedule).optimistic ? [true, false] : [false]) {
    const steps = optimisticStep ? STEPS.ahead : STEPS.alone;
    const options = { ...cut, schedule, chunks: partition.length / ranks, optimisticStep, ...training };
    const name = `${JSON.stringify(cut)}, optimistic step ${optimisticStep}`;
    expect(await outcome(layers, steps, options), name).toEqual(bySteps.get(steps));
  }
}
