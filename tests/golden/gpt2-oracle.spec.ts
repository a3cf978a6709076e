import { type Backend, type HostArray, openCpuBackend } from '@millrace/runtime';
import { type InProcessResult, openTestBackend } from '@millrace/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  decodeTensor, isKeyBias, ORACLE_SETTINGS, readOracle, relativeDifference, trainOracle, writeOracle,
} from './gpt2-oracle';

/**
 * The project's own oracle: 20 steps in doubles on the CPU twins, with steps that clip and steps that do not. After a
 * change that is meant to move it: MILLRACE_UPDATE_GOLDEN=1 npx vitest run --project unit tests/golden, then review the
 * difference.
 */
const UPDATE = process.env['MILLRACE_UPDATE_GOLDEN'] === '1';

interface Difference {
  readonly maxAbs: number;
  readonly largest: number;
}

function difference(name: string, actual: HostArray | undefined, expected: Float32Array): Difference {
  let maxAbs = 0;
  let largest = 0;
  expected.forEach((value, index) => {
    if (isKeyBias(ORACLE_SETTINGS.model, name, index)) return;
    const apart = Math.abs((actual?.[index] ?? NaN) - value);
    maxAbs = Math.max(maxAbs, Number.isNaN(apart) ? Infinity : apart);
    largest = Math.max(largest, Math.abs(value));
  });
  return { maxAbs, largest };
}

function worstGradient({ firstGradients }: InProcessResult): number {
  return Math.max(...Object.entries(readOracle().firstGradients).map(([name, text]) => {
    const { maxAbs, largest } = difference(name, firstGradients.get(name), decodeTensor(text));
    return maxAbs / largest;
  }));
}

// Not a test that is skipped: without the variable there is nothing to do.
if (UPDATE) {
  it('writes tests/golden/gpt2-oracle.json', async () => {
    writeOracle(await trainOracle(openCpuBackend(), { steps: ORACLE_SETTINGS.steps, stages: 1 }));
    expect(readOracle().losses).toHaveLength(ORACLE_SETTINGS.steps);
  }, 600_000);
}

describe('the oracle', () => {
  it('was made with the present settings and has clipped and unclipped steps', () => {
    const { settings, losses, gradientNorms } = readOracle();
    expect(settings).toEqual(ORACLE_SETTINGS);
    expect(gradientNorms.some((norm) => norm > settings.clip)).toBe(true);
    expect(gradientNorms.some((norm) => norm < settings.clip)).toBe(true);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) - 0.3);
  });

  it('is what the CPU twins compute', async () => {
    const { losses, gradientNorms } = readOracle();
    const steps = 3;
    const result = await trainOracle(openCpuBackend(), { steps, stages: 2 });
    expect(relativeDifference(result.losses, losses.slice(0, steps))).toBeLessThan(1e-12);
    expect(relativeDifference(result.gradientNorms, gradientNorms.slice(0, steps))).toBeLessThan(1e-12);
    // The file holds f32.
    expect(worstGradient(result)).toBeLessThan(1e-7);
  }, 120_000);
});

describe('WebGPU beside the oracle', () => {
  let opened: Backend | undefined;
  let result: InProcessResult;
  beforeAll(async () => {
    opened = await openTestBackend(process.env);
    if (opened !== undefined) result = await trainOracle(opened, { steps: ORACLE_SETTINGS.steps, stages: 1 });
  }, 120_000);
  afterAll(() => opened?.destroy());
  beforeEach((context) => context.skip(opened === undefined, 'no adapter'));

  it('loss within 5e-6 relative at every step', () => {
    const worst = relativeDifference(result.losses, readOracle().losses);
    console.log(`loss: ${worst.toExponential(1)} relative`);
    expect(worst).toBeLessThan(5e-6);
  });

  it('gradient norm within 5e-5 relative at every step', () => {
    const worst = relativeDifference(result.gradientNorms, readOracle().gradientNorms);
    console.log(`gradient norm: ${worst.toExponential(1)} relative`);
    expect(worst).toBeLessThan(5e-5);
  });

  it("first gradients within 1e-4 of each tensor's largest entry", () => {
    const worst = worstGradient(result);
    console.log(`first gradients: ${worst.toExponential(1)} of the largest entry`);
    expect(worst).toBeLessThan(1e-4);
  });

  it('final weights within 2e-4', () => {
    const worst = Math.max(...Object.entries(readOracle().finalWeights).map(([name, text]) => {
      return difference(name, result.weights.get(name), decodeTensor(text)).maxAbs;
    }));
    console.log(`final weights: ${worst.toExponential(1)}`);
    expect(worst).toBeLessThan(2e-4);
  });
});
