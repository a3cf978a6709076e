import { type Backend, openCpuBackend } from '@millrace/runtime';
import { type InProcessResult, openTestBackend } from '@millrace/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeTensor, readOracle, relativeDifference, trainOracle, writeOracle } from './gpt2-oracle';
import { LLAMA_ORACLE_FILE, LLAMA_SETTINGS } from './llama-oracle';

/** The oracle of the other family, as gpt2-oracle.spec.ts has it; docs/oracle.md says what it was checked against. */
const UPDATE = process.env['MILLRACE_UPDATE_GOLDEN'] === '1';
const FILE = LLAMA_ORACLE_FILE;
const SETTINGS = LLAMA_SETTINGS;

/** Largest difference of a tensor, and that as a part of the tensor's largest entry. */
function worst(
  tensors: InProcessResult['weights'],
  expected: Readonly<Record<string, string>>,
): { absolute: number; relative: number } {
  const found = Object.entries(expected).map(([name, text]) => {
    const values = decodeTensor(text);
    const apart = values.map((value, index) => Math.abs((tensors.get(name)?.[index] ?? Infinity) - value));
    const absolute = apart.reduce((a, b) => Math.max(a, b), 0);
    return { absolute, relative: absolute / values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) };
  });
  return {
    absolute: Math.max(...found.map(({ absolute }) => absolute)),
    relative: Math.max(...found.map((tensor) => tensor.relative)),
  };
}

// Not a test that is skipped: without the variable there is nothing to do.
if (UPDATE) {
  it('writes tests/golden/llama-oracle.json', async () => {
    const result = await trainOracle(openCpuBackend(), { steps: SETTINGS.steps, stages: 1, settings: SETTINGS });
    writeOracle(result, { settings: SETTINGS, file: FILE });
    expect(readOracle(FILE).losses).toHaveLength(SETTINGS.steps);
  }, 600_000);
}

describe('the oracle of a llama', () => {
  it('was made with the present settings and has clipped and unclipped steps', () => {
    const { settings, losses, gradientNorms } = readOracle(FILE);
    expect(settings).toEqual(SETTINGS);
    expect(gradientNorms.some((norm) => norm > settings.clip)).toBe(true);
    expect(gradientNorms.some((norm) => norm < settings.clip)).toBe(true);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) - 0.3);
  });

  it('is what the CPU twins compute', async () => {
    const { losses, gradientNorms, firstGradients } = readOracle(FILE);
    const result = await trainOracle(openCpuBackend(), { steps: 3, stages: 2, settings: SETTINGS });
    expect(relativeDifference(result.losses, losses.slice(0, 3))).toBeLessThan(1e-12);
    expect(relativeDifference(result.gradientNorms, gradientNorms.slice(0, 3))).toBeLessThan(1e-12);
    // The file holds f32.
    expect(worst(result.firstGradients, firstGradients).relative).toBeLessThan(1e-7);
  }, 120_000);
});

describe('WebGPU beside the oracle of a llama', () => {
  let backend: Backend | undefined;
  beforeAll(async () => {
    backend = await openTestBackend(process.env);
  });
  afterAll(() => backend?.destroy());
  beforeEach((context) => context.skip(backend === undefined, 'no adapter'));

  // 1 and 2 stages give the same bits (libs/testing), and traces.spec.ts has all three.
  it('over 20 steps on 4 stages', { timeout: 120_000 }, async () => {
    const stages = 4;
    const result = await trainOracle(backend as Backend, { steps: SETTINGS.steps, stages, settings: SETTINGS });
    const { losses, gradientNorms, firstGradients, finalWeights } = readOracle(FILE);
    const loss = relativeDifference(result.losses, losses);
    const norm = relativeDifference(result.gradientNorms, gradientNorms);
    const gradient = worst(result.firstGradients, firstGradients).relative;
    const weight = worst(result.weights, finalWeights).absolute;
    console.log(`${stages} stages: ${[loss, norm, gradient, weight].map((each) => each.toExponential(1)).join(', ')}`);
    expect(loss).toBeLessThan(5e-6);
    expect(norm).toBeLessThan(5e-5);
    expect(gradient).toBeLessThan(1e-4);
    expect(weight).toBeLessThan(2e-4);
  });
});
