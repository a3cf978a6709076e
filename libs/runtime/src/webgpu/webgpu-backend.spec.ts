import { performance } from 'node:perf_hooks';
import { silentLogger, systemClock } from '@millrace/core';
import type { TensorDeclaration } from '@millrace/kernels';
import type { DType } from '@millrace/tensor';
import { openTestBackend, useSoftwareVulkan } from '@millrace/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { benchmarkBackend } from '../benchmark-backend';
import { selfTest } from '../self-test';
import { openWebGpuBackend } from './open-webgpu-backend';
import type { WebGpuBackend } from './webgpu-backend';

/** A test makes a tensor larger than that, and no larger one. */
const BINDING_BYTES_EXCEEDED = 256 << 20;

describe('WebGPU backend', () => {
  let opened: WebGpuBackend | undefined;
  let backend: WebGpuBackend;

  beforeAll(async () => {
    opened = await openTestBackend(process.env);
  });
  afterAll(() => opened?.destroy());
  beforeEach((context) => {
    context.skip(opened === undefined, 'no adapter');
    backend = opened as WebGpuBackend;
  });

  it('describes its adapter in plain data and leaves nothing on globalThis', () => {
    const { adapter } = backend;
    expect(structuredClone(adapter)).toEqual(adapter);
    expect(['cpu', 'gpu']).toContain(adapter.adapterClass);
    expect(adapter.limits['maxStorageBufferBindingSize']).toBeGreaterThanOrEqual(128 << 20);
    expect(Object.keys(globalThis).filter((name) => name.startsWith('GPU'))).toEqual([]);
  });

  it('refuses a tensor beyond the largest buffer and says which limit', () => {
    const count = Math.floor((backend.adapter.limits['maxBufferSize'] as number) / 4) + 1;
    const error = { code: 'RUNTIME.TENSOR_TOO_LARGE', message: expect.stringContaining('maxBufferSize') };
    expect(() => backend.allocate({ name: 'huge', shape: [count], dtype: 'f32', role: 'scratch' })).toThrowError(
      expect.objectContaining(error),
    );
  });

  it('binds a table beyond the binding limit in row chunks of one buffer', async (context) => {
    const limit = backend.adapter.limits['maxStorageBufferBindingSize'] as number;
    context.skip(limit > BINDING_BYTES_EXCEEDED, `an adapter that binds ${limit} bytes: too many for a test to exceed`);
    const C = 1024;
    const rows = Math.floor(limit / 4 / C);
    const dims = { B: 1, T: 4, C, V: rows + 3 };
    const declare = (name: string, shape: number[], dtype: DType): TensorDeclaration => {
      return { name, shape, dtype, role: 'scratch' };
    };
    const declared = [
      declare('tokens_BT', [4], 'u32'),
      declare('wte_VC', [dims.V, C], 'f32'),
      declare('y_BTC', [4, C], 'f32'),
    ];
    const tensors = new Map(declared.map((tensor) => [tensor.name, backend.allocate(tensor)]));
    const tokens = Uint32Array.of(0, rows - 1, rows, rows + 2);
    backend.write(tensors.get('tokens_BT')!, tokens);
    for (const token of tokens) {
      backend.write(tensors.get('wte_VC')!, new Float32Array(C).fill(token + 1), token * C);
    }
    const names = { tokens_BT: 'tokens_BT', wte_VC: 'wte_VC', y_BTC: 'y_BTC' };
    const steps = [{ kernel: 'embedding_forward_token', dims, tensors: names } as const];
    backend.run(await backend.bind({ name: 'gather', tensors: declared, steps }, tensors));
    const y = await backend.read(tensors.get('y_BTC')!);
    expect([0, 1, 2, 3].map((row) => [y[row * C], y[row * C + C - 1]])).toEqual(
      [...tokens].map((token) => [token + 1, token + 1]),
    );
    for (const tensor of tensors.values()) backend.release(tensor);
  });

  it('variants agree with the naive kernels', async () => {
    const results = await selfTest(backend);
    for (const { kernel, shader, maxAbsDifference, ok } of results) {
      console.log(`${kernel} by ${shader}: max abs difference ${maxAbsDifference.toExponential(1)}`);
      expect(ok, kernel).toBe(true);
    }
  }, 300_000);

  it('uses the naive shader of a kernel in quarantine', async () => {
    const dims = { M: 64, K: 32, N: 64, accumulate: 0 };
    const before = backend.shaders('matmul_nt', dims);
    expect(before.used).not.toBe(before.naive);
    backend.quarantine('matmul_nt');
    expect(backend.shaders('matmul_nt', dims).used).toBe(before.naive);
  });

  it('measures a speed of matrix products and memory', async () => {
    const speed = await benchmarkBackend(backend, systemClock);
    expect(speed.matmulGflops).toBeGreaterThan(0);
    expect(speed.memoryGBps).toBeGreaterThan(0);
  });

  it('keeps the buffers of reads however often something waits for the device to be done', async () => {
    const tensor = backend.allocate({ name: 'some', shape: [300_000], dtype: 'f32', role: 'scratch' });
    await backend.read(tensor);
    const { device } = (backend as unknown as { parts: { device: GPUDevice } }).parts;
    const made = vi.spyOn(device, 'createBuffer');
    for (let wait = 0; wait < 70; wait++) await backend.finish();
    made.mockClear();
    await backend.read(tensor);
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
    backend.release(tensor);
  });

  it('waits once for every eight submissions where nobody reads, its own marker not counted', async () => {
    const tensor = backend.allocate({ name: 'one', shape: [1], dtype: 'f32', role: 'scratch' });
    const program = await backend.bind(
      { name: 'clear', tensors: [tensor.declaration], steps: [{ clear: 'one' }] },
      new Map([['one', tensor]]),
    );
    await backend.throttle();
    const finish = vi.spyOn(backend, 'finish');
    for (let submission = 0; submission < 64; submission++) {
      backend.run(program);
      backend.flush();
      await backend.throttle();
    }
    expect(finish).toHaveBeenCalledTimes(8);
    finish.mockRestore();
    backend.release(tensor);
  });

  it('sleeps through an expected delay instead of polling', async () => {
    const tensor = backend.allocate({ name: 'one', shape: [1], dtype: 'f32', role: 'scratch' });
    const before = performance.eventLoopUtilization();
    await backend.read(tensor, 200);
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
    backend.release(tensor);
  });
});

describe('a WebGPU device that goes wrong', () => {
  it('fails pending and later calls once destroyed', async (context) => {
    const backend = await openTestBackend(process.env);
    context.skip(backend === undefined, 'no adapter');
    if (backend === undefined) return;
    const tensor = backend.allocate({ name: 'one', shape: [1], dtype: 'f32', role: 'scratch' });
    const pending = backend.read(tensor, 5);
    backend.destroy();
    const error = expect.objectContaining({ code: 'RUNTIME.DESTROYED' });
    await expect(pending).rejects.toThrowError(error);
    expect(() => backend.allocate(tensor.declaration)).toThrowError(error);
    expect(backend.allocatedBytes()).toBe(0);
  });

  it('reports a command that the device refuses', async (context) => {
    const backend = await openTestBackend(process.env);
    context.skip(backend === undefined, 'no adapter');
    if (backend === undefined) return;
    const before = backend.allocate({ name: 'before', shape: [4], dtype: 'f32', role: 'scratch' });
    // A buffer with usages that may not go together: what a bug of the backend would do.
    const { device } = (backend as unknown as { parts: { device: GPUDevice } }).parts;
    device.createBuffer({ size: 4, usage: 0xffff });
    const error = expect.objectContaining({ code: 'RUNTIME.DEVICE_ERROR' });
    await expect(backend.finish()).rejects.toThrowError(error);
    expect(() => backend.write(before, Float32Array.of(1))).toThrowError(error);
    backend.destroy();
  });

  it('tells that the device is lost and refuses whatever follows', async (context) => {
    const backend = await openTestBackend(process.env);
    context.skip(backend === undefined, 'no adapter');
    if (backend === undefined) return;
    const tensor = backend.allocate({ name: 'one', shape: [1], dtype: 'f32', role: 'scratch' });
    // The device goes away behind the backend's back, as after a driver reset.
    backend.loseDevice();
    expect((await backend.failed).message).toMatch(/destroy/i);
    const error = expect.objectContaining({ code: 'RUNTIME.DEVICE_LOST', kind: 'unavailable' });
    await expect(backend.read(tensor)).rejects.toThrowError(error);
    expect(() => backend.write(tensor, Float32Array.of(1))).toThrowError(error);
  });

  it('says how to get an adapter when none has the name', async () => {
    useSoftwareVulkan(process.env);
    const options = { adapterName: 'no such adapter', clock: systemClock, logger: silentLogger };
    const error = { code: 'RUNTIME.NO_ADAPTER', message: expect.stringContaining('no such adapter') };
    await expect(openWebGpuBackend(options)).rejects.toThrowError(expect.objectContaining(error));
  });
});
