import type { ModelConfig } from '@millrace/core';
import { allParameters, initialiseParameter, type ParameterDeclaration } from '@millrace/model';
import { type HostArray, openCpuBackend } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { textBatch } from './token-text';
import { type InProcessResult, type TokenBatch, trainInProcess } from './train-in-process';

const ODD: ModelConfig = {
  family: 'gpt2',
  layers: 2,
  heads: 3,
  hidden: 60,
  ffn: 90,
  context: 21,
  vocab: 97,
  tieEmbeddings: true,
};
/** Rows that count in each of five sequences; the rest have target -1. */
const COUNTED = [21, 5, 1, 0, 13];
const IGNORED = -1;

function sequence(step: number, index: number): TokenBatch {
  const { inputs, targets } = textBatch({ ...ODD, microBatch: 1, microBatches: 5 }, step, index);
  const counted = COUNTED[index] as number;
  return { inputs, targets: targets.map((target, row) => (row < counted ? target : IGNORED)) };
}

function joined(step: number): TokenBatch {
  const batches = COUNTED.map((_, index) => sequence(step, index));
  const join = (key: keyof TokenBatch): Uint32Array => Uint32Array.from(batches.flatMap((batch) => [...batch[key]]));
  return { inputs: join('inputs'), targets: join('targets') };
}

function train(microBatches: 1 | 5, stages: number): Promise<InProcessResult> {
  const parameters = new Map(allParameters(ODD).map((parameter) => [parameter.name, parameter]));
  return trainInProcess({
    config: ODD,
    stages,
    microBatch: 5 / microBatches,
    microBatches,
    steps: 2,
    backend: openCpuBackend(),
    weights: (name) => initialiseParameter(parameters.get(name) as ParameterDeclaration, 3),
    batch: (step, index) => (microBatches === 1 ? joined(step) : sequence(step, index)),
    learningRate: () => 0.1,
    optimizer: { type: 'sgd', momentum: 0.9, weightDecay: 0 },
    validation: microBatches === 1 ? [joined(9)] : COUNTED.map((_, index) => sequence(9, index)),
  });
}

/** Largest difference as a fraction of the largest entry. */
function difference(actual: HostArray | undefined, expected: HostArray): number {
  let [largest, apart] = [0, 0];
  expected.forEach((value, index) => {
    largest = Math.max(largest, Math.abs(value));
    apart = Math.max(apart, Math.abs(value - (actual?.[index] ?? NaN)));
  });
  return apart / (largest || 1);
}

describe('micro-batches of unequal token counts', () => {
  it('weigh by tokens: five of them are one large one to the rounding of doubles', { timeout: 120_000 }, async () => {
    const [parts, large] = [await train(5, 2), await train(1, 1)];
    for (const key of ['losses', 'gradientNorms'] as const) {
      parts[key].forEach((value, step) => expect(value / (large[key][step] as number)).toBeCloseTo(1, 12));
    }
    expect(parts.validationLoss / large.validationLoss).toBeCloseTo(1, 12);
    for (const [name, gradient] of large.firstGradients) {
      // The gradient of the key bias is zero in exact arithmetic: what is there is rounding.
      if (name.endsWith('c_attn.bias')) continue;
      expect(difference(parts.firstGradients.get(name), gradient), name).toBeLessThan(1e-11);
      expect(difference(parts.weights.get(name), large.weights.get(name) as HostArray), name).toBeLessThan(1e-11);
    }
  });

  it('take nothing from rows that do not count, not even from their inputs after the last that does', async () => {
    const counted = await train(5, 1);
    expect(counted.losses.every(Number.isFinite)).toBe(true);
    // Near log(97) per counted token at the start; divided by all 105 rows it would be 1.7.
    expect(counted.losses[0]).toBeCloseTo(Math.log(97), 0);
  });
});
