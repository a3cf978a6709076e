import type { ModelConfig } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { manifestSchema } from '@millrace/contracts';
import { allParameters, stageParameters } from '@millrace/model';
import type { StoredPlan } from '../../runs/attempt-record';
import type { CheckpointPart } from './checkpoint-part';
import { mergeParts } from './merge-parts';

const model: ModelConfig = {
  family: 'gpt2',
  layers: 2,
  heads: 1,
  hidden: 4,
  ffn: 16,
  context: 8,
  vocab: 11,
  tieEmbeddings: true,
};
const ADAMW = { type: 'adamw' as const, lr: 1, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 };
const plan = {
  runId: 'run_1',
  firstStep: 1,
  model,
  spec: { train: { seed: 7, batch: { global: 6 }, optimizer: ADAMW } },
} as StoredPlan;

type Tensor = CheckpointPart['tensors'][number];

function tensors(): Tensor[] {
  return allParameters(model).flatMap(({ name, shape }) =>
    (['weight', 'm', 'v'] as const).map((kind) => ({
      name,
      kind,
      dtype: 'f32' as const,
      shape: [...shape],
      blocks: [{ sha256: 'a'.repeat(64), bytes: shape.reduce((product, extent) => product * extent, 4) }],
    })),
  );
}

describe('mergeParts', () => {
  it('gives the same manifest whatever the partition and the order of the parts', () => {
    const all = tensors();
    const whole = mergeParts([{ tensors: all }], plan, 5);
    for (const cut of [3, 40, 77]) {
      const parts = [{ tensors: all.slice(cut).toReversed() }, { tensors: all.slice(0, cut) }];
      expect(mergeParts(parts, plan, 5)).toEqual(whole);
    }
    expect(whole).toMatchObject({
      version: 1,
      runId: 'run_1',
      step: 5,
      rng: { seed: 7 },
      dataPosition: { samples: 30 },
      optimizer: { type: 'adamw', step: 5 },
    });
    const count = allParameters(model).length;
    expect(whole.tensors.map(({ name }) => name).slice(count, 2 * count)).toEqual(
      allParameters(model).map(({ name }) => name),
    );
    expect(whole.tensors.slice(count, 2 * count).every(({ kind }) => kind === 'm')).toBe(true);
  });

  it('says what was consumed, where the batch was another before', () => {
    const resumed = { ...plan, firstStep: 4, firstSample: 100 };
    expect(mergeParts([{ tensors: tensors() }], resumed, 5).dataPosition).toEqual({ samples: 112 });
    const { firstSample: _, ...older } = resumed;
    expect(mergeParts([{ tensors: tensors() }], older, 5).dataPosition).toEqual({ samples: 30 });
  });

  it('counts updates as the ranks do where steps may be skipped, and from there on by the steps', () => {
    const lossScale = { scale: 1024, cleanSteps: 2, hysteresis: 1, skippedAtFloor: 0 };
    const counters = { updates: 3, lossScale };
    const [first, ...others] = tensors();
    const scaled = mergeParts(
      [
        { tensors: [first!], counters },
        { tensors: others, counters },
      ],
      plan,
      5,
    );
    expect(scaled).toMatchObject({ step: 5, optimizer: { step: 3 }, lossScale });
    expect(manifestSchema.parse(scaled).lossScale).toEqual(lossScale);

    const goingOn = { ...plan, firstStep: 6, updatesBefore: 3 };
    const whole = mergeParts([{ tensors: tensors() }], goingOn, 9);
    expect([whole.optimizer, whole.lossScale]).toEqual([{ type: 'adamw', step: 7 }, undefined]);
  });

  it('refuses ranks that count differently, or not at all', () => {
    const [first, ...others] = tensors();
    const lossScale = { scale: 1024, cleanSteps: 2, hysteresis: 1, skippedAtFloor: 0 };
    const own = { tensors: [first!], counters: { updates: 3, lossScale } };
    for (const other of [{}, { counters: { updates: 4, lossScale } }])
      expect(() => mergeParts([own, { tensors: others, ...other }], plan, 5)).toThrow(/ranks count differently/);
  });

  it('asks of each optimizer for the states that it keeps', () => {
    const sgd = (momentum: number): StoredPlan => {
      const train = { ...plan.spec.train, optimizer: { type: 'sgd' as const, lr: 1, momentum, weightDecay: 0 } };
      return { ...plan, spec: { ...plan.spec, train } };
    };
    const weights = tensors().filter(({ kind }) => kind === 'weight');
    const buffers = weights.map((tensor) => ({ ...tensor, kind: 'momentum' as const }));
    const plain = mergeParts([{ tensors: weights }], sgd(0), 2);
    expect(plain.optimizer).toEqual({ type: 'sgd', step: 2 });
    expect(plain.tensors.every(({ kind }) => kind === 'weight')).toBe(true);
    expect(mergeParts([{ tensors: [...buffers, ...weights] }], sgd(0.9), 2).tensors).toHaveLength(2 * weights.length);
    expect(() => mergeParts([{ tensors: weights }], sgd(0.9), 2)).toThrow(/no rank wrote momentum of/);
    expect(() => mergeParts([{ tensors: tensors() }], sgd(0), 2)).toThrow(/the model has/);
  });

  it('refuses a tensor that comes from two ranks', () => {
    const all = tensors();
    expect(() => mergeParts([{ tensors: all }, { tensors: [all[0] as Tensor] }], plan, 1)).toThrow(
      /two ranks wrote weight of transformer.wte.weight/,
    );
  });

  it('refuses parts that lack a tensor, have one too many, or one of another size', () => {
    const all = tensors();
    expect(() => mergeParts([{ tensors: all.slice(1) }], plan, 1)).toThrow(
      /no rank wrote weight of transformer.wte.weight/,
    );
    const stranger = { ...(all[0] as Tensor), name: 'stranger' };
    expect(() => mergeParts([{ tensors: [...all, stranger] }], plan, 1)).toThrow(/the model has/);
    const short = all.map((tensor, index) =>
      index === 0 ? { ...tensor, blocks: [{ sha256: 'a'.repeat(64), bytes: 4 }] } : tensor,
    );
    expect(() => mergeParts([{ tensors: short }], plan, 1)).toThrow(/in 4 bytes/);
  });

  it('holds the older versions that each stage of an asynchronous run still uses, and says what they depend on', () => {
    const untied = { ...model, tieEmbeddings: false };
    const stages = [
      { firstLayer: 0, layerCount: 1, embedding: true, head: false },
      { firstLayer: 1, layerCount: 1, embedding: false, head: false },
      { firstLayer: 2, layerCount: 0, embedding: false, head: true },
    ];
    const spec = {
      train: { steps: 9, seed: 7, batch: { global: 6, micro: 6 }, optimizer: { ...ADAMW, type: 'sgd', momentum: 0 } },
      parallel: { schedule: 'pipedream', pp: 3, dp: 1, chunks: 1, scheduleCsv: '', verticalSync: false },
    };
    const rankOfStage = [0, 1, 2];
    const given = { runId: 'run_1', firstStep: 1, model: untied, stages, rankOfStage, spec, oldestVersion: 4 };
    const asynchronous = given as unknown as StoredPlan;
    const of = (slice: (typeof stages)[number], ...kinds: Tensor['kind'][]): Tensor[] =>
      stageParameters(untied, slice).flatMap(({ name, shape }) =>
        kinds.map((kind) => ({
          name,
          kind,
          dtype: 'f32' as const,
          shape: [...shape],
          blocks: [{ sha256: 'b'.repeat(64), bytes: shape.reduce((product, extent) => product * extent, 4) }],
        })),
      );
    const parts = [
      { tensors: of(stages[0]!, 'weight', 'weight-1', 'weight-2') },
      { tensors: of(stages[1]!, 'weight', 'weight-1') },
      { tensors: of(stages[2]!, 'weight') },
    ];
    const manifest = mergeParts(parts, asynchronous, 7);
    expect(manifest.weightVersions).toEqual({
      schedule: 'pipedream',
      verticalSync: false,
      microBatches: 1,
      layersPerStage: [1, 1, 0],
      since: 4,
    });
    expect(manifest.tensors.filter(({ name }) => name === 'transformer.wte.weight').map(({ kind }) => kind)).toEqual([
      'weight',
      'weight-1',
      'weight-2',
    ]);
    expect(manifestSchema.safeParse(manifest).success).toBe(true);
    // One update after it began there is one older version.
    const early = [
      { tensors: of(stages[0]!, 'weight', 'weight-1') },
      { tensors: of(stages[1]!, 'weight', 'weight-1') },
      { tensors: of(stages[2]!, 'weight') },
    ];
    expect(mergeParts(early, asynchronous, 5).tensors).toHaveLength(
      early.reduce((sum, part) => sum + part.tensors.length, 0),
    );
    expect(() => mergeParts(early, asynchronous, 7)).toThrowError(/no rank wrote weight-2 of transformer.wte.weight/);
  });
});
