import type { ModelConfig, Recompute } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { stageMemoryBytes, stageOperations, stageSlices, stageStateBytes } from '@millrace/model';
import { makePlan, type Plan, SNAPSHOT_WINDOW, type SnapshotWindow } from '@millrace/pipeline';
import { rooflineTimes } from '../../ledger/agents/device-speed';
import { type CostOptions, layerCosts } from './layer-costs';

/** No size divides another one. */
const MODEL: ModelConfig = {
  family: 'gpt2',
  layers: 7,
  heads: 3,
  hidden: 60,
  ffn: 240,
  context: 21,
  vocab: 97,
  tieEmbeddings: true,
};
const SPEED = { gflops: 10, gigabytesPerSecond: 20 };
const RECOMPUTE = ['none', 'selective', 'full'] as const;
const ADAMW = { type: 'adamw', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 } as const;

function options(changes: Partial<CostOptions> = {}): CostOptions {
  const sizes = { microBatch: 2, microBatches: 5, evaluation: true, optimisticStep: false, isWhole: false };
  return { model: MODEL, ...sizes, optimizer: ADAMW, recompute: RECOMPUTE, speeds: { gpu: SPEED }, ...changes };
}

function planOf(costs: CostOptions, layersPerStage: readonly number[], recompute: Recompute): Plan {
  const ranks = layersPerStage.length;
  return makePlan({
    ranks,
    devices: Array.from({ length: ranks }, (_, rank) => ({ label: `${rank}`, kind: 'gpu' })),
    deviceOrder: 'given',
    workloads: [layerCosts(costs)],
    candidates: [{ schedule: '1f1b', chunks: 1, microBatches: costs.microBatches, recompute }],
    layersPerStage,
  });
}

describe('layerCosts', () => {
  it.each(
    RECOMPUTE.flatMap((recompute) =>
      [ADAMW, { type: 'sgd' as const, momentum: 0, weightDecay: 0 }].flatMap((optimizer) =>
        [true, false].map((tied) => [recompute, optimizer, tied] as const),
      ),
    ),
  )(
    'adds up to what the stages of the model need: recompute %s, %o, tied %s',
    (recompute, optimizer, tieEmbeddings) => {
      const model = { ...MODEL, tieEmbeddings };
      for (const layersPerStage of [[7], [3, 4], [1, 5, 1], [0, 7, 0], [2, 2, 2, 1]]) {
        const costs = options({ model, optimizer, isWhole: layersPerStage.length === 1 });
        const { stages } = planOf(costs, layersPerStage, recompute);
        stageSlices(model, layersPerStage).forEach((slice, stage) => {
          const { times, memory } = stages[stage]!;
          const expected = rooflineTimes(
            stageOperations(model, slice, { microBatch: 2, recompute, fusedBackward: true }),
            SPEED,
          );
          for (const kind of ['F', 'I', 'W'] as const) expect(times[kind]).toBeCloseTo(expected[kind], 12);
          const { total, parameters } = stageMemoryBytes(model, slice, {
            microBatch: 2,
            recompute,
            fusedBackward: true,
            optimizer,
            inFlight: Math.min(layersPerStage.length - stage, 5),
            inBackward: 1,
            microBatches: 5,
            evaluation: true,
          });
          // Where a parameter begins in its pack depends on those before it.
          expect(Math.abs(memory.weights / parameters - 1)).toBeLessThan(0.01);
          // Stages of few blocks have less scratch than a stage of many, and the ends have less input than other
          // stages.
          expect(memory.total / total, `stage ${stage} of ${layersPerStage.join()}`).toBeGreaterThanOrEqual(1);
          expect(memory.total / total).toBeLessThan(1.1);
        });
      }
    },
  );

  it('counts what a rank stages once for the rank, up to the window', () => {
    const { staging: _, ...workload } = layerCosts(options({ microBatches: 4 }));
    const plan = (snapshotWindow?: SnapshotWindow, memoryBytes?: number): Plan =>
      makePlan({
        ranks: 2,
        devices: [0, 1].map((rank) => ({ label: `${rank}`, kind: 'gpu', ...(memoryBytes && { memoryBytes }) })),
        deviceOrder: 'given',
        workloads: [{ ...workload, ...(snapshotWindow && { staging: { tiedBytes: 97 * 60 * 4, snapshotWindow } }) }],
        candidates: [{ schedule: 'interleaved', chunks: 2, microBatches: 4, recompute: 'none' }],
        layersPerStage: [2, 2, 2, 1],
      });
    const totals = (window?: SnapshotWindow): number[] => plan(window).ranks.map(({ memory }) => memory.total);
    const without = totals();
    // Four activations on their way, and a gradient of the tied embedding.
    const sent = 4 * workload.boundaryBytes + 97 * 60 * 4;
    const small = { groupBytes: 1_000, groupCount: 3 };
    expect(totals(small)).toEqual(without.map((bytes) => bytes + 3_000 + sent));
    const slices = stageSlices(MODEL, [2, 2, 2, 1]);
    const state = [0, 1].map((rank) =>
      [rank, rank + 2].reduce((sum, stage) => sum + stageStateBytes(MODEL, slices[stage]!, ADAMW), 0),
    );
    expect(totals(SNAPSHOT_WINDOW)).toEqual(without.map((bytes, rank) => bytes + state[rank]! + sent));
    const roomForAllElse = Math.max(...without);
    expect(plan(undefined, roomForAllElse).fits).toBe(true);
    expect(() => plan(small, roomForAllElse)).toThrow(expect.objectContaining({ code: 'PIPELINE.PLAN_DOES_NOT_FIT' }));
  });

  it('stages one version of the weights, however many a rank holds', () => {
    const { staging, ...workload } = layerCosts(options({ microBatches: 4 }));
    const ranks = (schedule: string, isStaged: boolean): Plan['ranks'] =>
      makePlan({
        ranks: 2,
        devices: [0, 1].map((rank) => ({ label: `${rank}`, kind: 'gpu' })),
        deviceOrder: 'given',
        workloads: [{ ...workload, ...(isStaged && { staging: staging! }) }],
        candidates: [{ schedule, chunks: 1, microBatches: 4, recompute: 'none' }],
        layersPerStage: [4, 3],
      }).ranks;
    const staged = (schedule: string): number[] => {
      const without = ranks(schedule, false);
      return ranks(schedule, true).map(({ memory }, rank) => memory.total - without[rank]!.memory.total);
    };
    expect(ranks('pipedream', false)[0]!.memory.weights).toBe(2 * ranks('1f1b', false)[0]!.memory.weights);
    expect(staged('pipedream')).toEqual(staged('1f1b'));
  });

  it('takes the slower of computing and moving bytes for every kernel', () => {
    const operations = { forward: [{ flops: 2e9, bytes: 1e9 }], backwardInput: [], backwardWeight: [] };
    expect(rooflineTimes(operations, { gflops: 1, gigabytesPerSecond: 1 }).F).toBe(2);
    expect(rooflineTimes(operations, { gflops: 4, gigabytesPerSecond: 0.5 }).F).toBe(2);
    expect(rooflineTimes(operations, { gflops: 4, gigabytesPerSecond: Infinity })).toEqual({ F: 0.5, I: 0, W: 0 });
  });
});
