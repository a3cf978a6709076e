import { type Dims, KERNELS, type KernelTarget } from '@millrace/kernels';
import { describe, expect, it } from 'vitest';
import { type KernelLaunch, PipelineCache } from './pipeline-cache';

const SHAPES: readonly Dims[] = [12, 24].map((N) => ({ N, C: 2 * N, eps: 1e-5 }));

/** Counts what it makes, and makes nothing. */
function fakeDevice(): { readonly device: GPUDevice; readonly made: string[] } {
  const made: string[] = [];
  const make =
    (what: string) =>
    (descriptor: { size?: number }): object => {
      made.push(what);
      const content = new ArrayBuffer(descriptor.size ?? 0);
      return { getMappedRange: () => content, unmap: () => undefined, content };
    };
  const device = {
    createBuffer: make('buffer'),
    createBindGroupLayout: make('layout'),
    createPipelineLayout: make('pipeline layout'),
    createShaderModule: make('module'),
    createBindGroup: (descriptor: object) => descriptor,
    createComputePipelineAsync: async (descriptor: object) => make('pipeline')(descriptor),
    pushErrorScope: () => undefined,
    popErrorScope: async () => null,
  };
  return { device: device as unknown as GPUDevice, made };
}

function target(adapterClass: KernelTarget['adapterClass']): KernelTarget {
  return { adapterClass, maxWorkgroupSize: 256, maxWorkgroupsPerDimension: 65_535, subgroups: false };
}

const TENSORS = KERNELS.layernorm_forward.bindings.map(() => ({ buffer: {} as GPUBuffer }));

/** What is bound behind the tensors. */
function sizesOf(launch: KernelLaunch | undefined): number[] | undefined {
  const { entries } = launch!.bindGroup(TENSORS) as unknown as { entries: GPUBindGroupEntry[] };
  expect(entries.map(({ binding }) => binding)).toEqual(entries.map((_, index) => index));
  const { resource } = entries[TENSORS.length] ?? {};
  if (resource === undefined) return undefined;
  const { buffer } = resource as unknown as { buffer: { content: ArrayBuffer } };
  return [...new Uint32Array(buffer.content, 0, 2)];
}

describe('PipelineCache', () => {
  it('compiles a kernel once for all shapes on a software driver, and tells each its sizes', async () => {
    const { device, made } = fakeDevice();
    const cache = new PipelineCache(device, target('cpu'), { layout: {} as GPUBindGroupLayout });
    const [first, second] = await Promise.all(SHAPES.map((dims) => cache.launch(KERNELS.layernorm_forward, dims)));
    expect(second!.pipeline).toBe(first!.pipeline);
    expect([sizesOf(first), sizesOf(second)]).toEqual([
      [12, 24],
      [24, 48],
    ]);
    expect(sizesOf(await cache.launch(KERNELS.layernorm_forward, SHAPES[0]!))).toEqual([12, 24]);
    expect(made.toSorted()).toEqual(['buffer', 'buffer', 'layout', 'module', 'pipeline', 'pipeline layout']);
  });

  it('compiles sizes in on a GPU', async () => {
    const { device, made } = fakeDevice();
    const cache = new PipelineCache(device, target('gpu'), { layout: {} as GPUBindGroupLayout });
    const [first, second] = await Promise.all(SHAPES.map((dims) => cache.launch(KERNELS.layernorm_forward, dims)));
    expect(second!.pipeline).not.toBe(first!.pipeline);
    expect(sizesOf(first)).toBeUndefined();
    expect(made.filter((what) => what === 'pipeline')).toHaveLength(2);
  });
});
