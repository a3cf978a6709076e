import type { WebGpuBackend } from '@millrace/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import { HALF_MODELS, headInParts, trainInHalf } from './half-training';
import { backendOfSuite, testBackends } from './test-backends';

/** Whether a software driver compiles the shaders of both models for everything: the long spec asks for that. */
const IS_WHOLE = process.env['MILLRACE_HALVES'] === '1';
const TIMEOUT_MS = 240_000;
const STEPS = 10;

const [CPU, WEBGPU] = testBackends(process.env);
const [GPT2, LLAMA] = HALF_MODELS;

describe.each([
  { ...CPU, microBatch: 1, learning: HALF_MODELS, split: HALF_MODELS },
  { ...WEBGPU, microBatch: 4, learning: IS_WHOLE ? HALF_MODELS : [GPT2], split: IS_WHOLE ? HALF_MODELS : [LLAMA] },
])('half precision on the $kind backend', ({ kind, microBatch, learning, split, open }) => {
  const opened = backendOfSuite(open);
  beforeEach((context) => {
    const lacks = kind === 'webgpu' && !(opened() as WebGpuBackend).adapter.features.includes('shader-f16');
    context.skip(lacks, 'no shader-f16');
  });

  it.each(learning)(
    '%s learns as in f32',
    async (_, config) => {
      const training = { backend: opened(), config, microBatch: 4, steps: STEPS };
      const full = await trainInHalf({ ...training, precision: 'f32' });
      const half = await trainInHalf(training);
      expect(full.losses.at(-1)! / full.losses[0]!).toBeLessThan(0.95);
      const apart = half.losses.map((loss, step) => Math.abs(loss / full.losses[step]! - 1));
      expect(Math.max(...apart)).toBeLessThan(0.01);
      expect(Math.abs(half.validationLoss / full.validationLoss - 1)).toBeLessThan(0.01);
      // What is stored is rounded, else this would show nothing.
      expect(Math.min(...apart.slice(1))).toBeGreaterThan(0);
      half.gradientNorms.forEach((norm, step) => expect(norm / full.gradientNorms[step]!).toBeCloseTo(1, 1));
    },
    TIMEOUT_MS,
  );

  it.each(split)(
    '%s has the same bits for every split, recompute setting and head in parts',
    async (_, config) => {
      const training = { backend: opened(), config, microBatch };
      const whole = await trainInHalf(training);
      for (const stages of IS_WHOLE || kind === 'cpu' ? [2, 4] : [4]) {
        expect(await trainInHalf({ ...training, stages }), `${stages} stages`).toEqual(whole);
      }
      const headBytesMax = headInParts(config, microBatch);
      expect(await trainInHalf({ ...training, headBytesMax, recompute: 'full', stages: 2 })).toEqual(whole);
      expect(training.backend.allocatedBytes()).toBe(0);
    },
    TIMEOUT_MS,
  );
});
