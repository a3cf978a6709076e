import { systemClock } from '@millrace/core';
import {
  type Dims,
  interchangeable,
  KERNELS,
  type KernelName,
  type KernelTarget,
  type Program,
} from '@millrace/kernels';
import { openTestBackend } from '@millrace/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tune } from '../../tuning/tune';
import { tuneBackend } from '../../tuning/tune-backend';
import type { TuningCase } from '../../tuning/tuning-cases';
import { openNullBackend } from '../open-null-backend';
import type { WebGpuBackend } from '../webgpu-backend';

/** A software driver compiles a shader for seconds. */
const TIMEOUT_MS = 60_000;

function caseOf(kernel: KernelName, dims: Dims, target: KernelTarget): TuningCase {
  const naive = KERNELS[kernel].reference(dims, target).wgsl;
  const variants = interchangeable(KERNELS[kernel], dims, target).filter(({ wgsl }) => wgsl !== naive);
  return { kernel, bucket: 'test', dims, variants };
}

describe('a timer of variants', () => {
  let opened: WebGpuBackend | undefined;
  let backend: WebGpuBackend;
  let target: KernelTarget;
  beforeAll(async () => {
    opened = await openTestBackend(process.env);
  });
  afterAll(() => opened?.destroy());
  // Whatever a trial did wrong would end an attempt.
  afterEach(() => opened?.finish());
  beforeEach((context) => {
    context.skip(opened?.target.subgroupSize === undefined, 'no adapter with subgroups of one size');
    backend = opened!;
    target = { ...backend.target, adapterClass: 'gpu' };
  });

  it('has timestamps on drivers that are known to have them', (context) => {
    context.skip(!/llvmpipe/.test(backend.adapter.description), 'not lavapipe');
    expect(backend.adapter.features).toContain('timestamp-query');
  });

  it('tells the time of each form of short rows, among which a tuner chooses', { timeout: TIMEOUT_MS }, async () => {
    const rows = caseOf('rmsnorm_forward', { N: 300, C: 64, eps: 1e-6 }, target);
    expect(rows.variants.map(({ form }) => form)).toEqual(['short-128', 'short-64', 'short-256']);
    const before = backend.allocatedBytes();
    const timer = (await backend.tuning.openTimer([rows]))!;
    const times: (number | undefined)[] = [];
    const measure = async (...given: Parameters<typeof timer.measure>): Promise<number | undefined> => {
      times.push(await timer.measure(...given));
      return times.at(-1);
    };
    const options = { measure, boundMs: TIMEOUT_MS, stopped: () => false, clock: systemClock };
    const [choice] = await tune([rows], options);
    timer.destroy();
    expect(times).toHaveLength(3);
    for (const ms of times) expect(ms).toBeGreaterThan(0);
    expect(choice!.ms).toBeLessThanOrEqual(choice!.usualMs);
    expect(backend.allocatedBytes()).toBe(before);
  });

  it('refuses a form whose bits differ', { timeout: TIMEOUT_MS }, async () => {
    // Each lane adds 8 packs before their sums are added: a tree of all packs is another order.
    const dims = { N: 300, C: 32 * target.subgroupSize!, eps: 1e-6 };
    const [short] = caseOf('rmsnorm_forward', dims, target).variants;
    const thresholds = { shortMax: 0, middleMax: 4096 };
    const [middle] = caseOf('rmsnorm_forward', dims, { ...target, rowThresholds: thresholds }).variants;
    const mixed: TuningCase = { kernel: 'rmsnorm_forward', bucket: 'test', dims, variants: [short!, middle!] };
    const timer = (await backend.tuning.openTimer([mixed]))!;
    expect(await timer.measure(mixed, short!)).toBeGreaterThan(0);
    expect(await timer.measure(mixed, middle!)).toBeUndefined();
    timer.destroy();
  });

  it('refuses one that does not compile, and goes on', { timeout: TIMEOUT_MS }, async () => {
    const rows = caseOf('rmsnorm_forward', { N: 300, C: 64, eps: 1e-6 }, target);
    const [short] = rows.variants;
    const timer = (await backend.tuning.openTimer([rows]))!;
    expect(await timer.measure(rows, { ...short!, overrides: { ...short!.overrides, WG: 2 ** 20 } })).toBeUndefined();
    expect(await timer.measure(rows, short!)).toBeGreaterThan(0);
    timer.destroy();
  });

  it('is not opened for a software driver', async (context) => {
    context.skip(backend.adapter.adapterClass === 'gpu', 'a GPU');
    const options = { boundMs: 1000, stopped: () => false, clock: systemClock };
    expect(await tuneBackend(backend, () => [PRODUCT], options)).toEqual([]);
  });
});

const SHAPE = [1024, 1024];
const PRODUCT: Program = {
  name: 'product',
  tensors: ['a', 'b', 'c'].map((name) => ({ name, shape: SHAPE, dtype: 'f32', role: 'scratch' })),
  steps: [
    {
      kernel: 'matmul_nt',
      dims: { M: 1024, K: 1024, N: 1024 },
      tensors: { a_MK: 'a', b_NK: 'b', residual_MN: 'a', c_MN: 'c' },
    },
  ],
};

describe('on a device without timestamps', () => {
  let backend: WebGpuBackend;
  beforeEach(async () => {
    backend = await openNullBackend(systemClock);
  });
  afterEach(async () => {
    await backend.finish();
    backend.destroy();
  });

  it('variants are timed by the clock, and a choice is known from then on', { timeout: TIMEOUT_MS }, async () => {
    const options = { boundMs: TIMEOUT_MS, stopped: () => false, clock: systemClock };
    const choices = await tuneBackend(backend, () => [PRODUCT], options);
    expect(choices.map(({ kernel, bucket }) => `${kernel} ${bucket}`)).toEqual(['matmul_nt K10 M10 N10']);
    expect(['tile', 'workgroup', '128x64', '64x64']).toContain(choices[0]!.form);
    backend.tuning.choose([{ kernel: 'matmul_nt', bucket: 'K10 M10 N10', form: 'tile' }]);
    expect(backend.shaders('matmul_nt', { M: 1024, K: 1024, N: 1024 }).used).toBe('matmul_nt_tile');
    expect(await tuneBackend(backend, () => [PRODUCT], options)).toEqual([]);
  });

  it('nothing is tried where no memory is left, and the device goes on', async () => {
    const elements = 60 * 1024 ** 2;
    const held = [0, 1].map((index) =>
      backend.allocate({ name: `held ${index}`, shape: [elements], dtype: 'f32', role: 'scratch' }),
    );
    const size = 5500;
    const dims = { M: size, K: 64, N: size };
    const large: TuningCase = { ...caseOf('matmul_nt', dims, backend.target), dims };
    expect(await backend.tuning.openTimer([large])).toBeUndefined();
    for (const tensor of held) backend.release(tensor);
  });
});
