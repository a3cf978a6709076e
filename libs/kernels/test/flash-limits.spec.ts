import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dims, KERNELS, type KernelTarget, WGSL } from '../src';

/** Dawn's null backend validates everything and computes nothing, with the limits that WebGPU gives everybody. */
const GPU_OF_DEFAULT_LIMITS: KernelTarget = {
  adapterClass: 'gpu',
  maxWorkgroupSize: 256,
  maxWorkgroupsPerDimension: 65_535,
  subgroups: false,
};

const SHAPES: Readonly<Record<string, Dims>> = {
  'GPT-2 124M': { B: 4, T: 1024, H: 12, G: 12, D: 64 },
  'GPT-2 1.5B': { B: 1, T: 1024, H: 25, G: 25, D: 64 },
  'Llama 1B': { B: 1, T: 8192, H: 32, G: 8, D: 64 },
  'Llama 8B': { B: 1, T: 8192, H: 32, G: 8, D: 128 },
  'heads of 40': { B: 2, T: 2048, H: 8, G: 8, D: 40 },
  'heads of 32': { B: 2, T: 4096, H: 4, G: 2, D: 32 },
  'heads of 256': { B: 1, T: 4096, H: 8, G: 1, D: 256 },
};

// Dawn ends the process when the instance is collected while a device of it lives.
let instance: GPU | undefined;
let device: GPUDevice | undefined;

beforeAll(async () => {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  instance = create(['backend=null']);
  const adapter = await instance.requestAdapter();
  device = await adapter?.requestDevice();
});

afterAll(() => device?.destroy());

describe.each(Object.entries(SHAPES))('%s', (_, dims) => {
  it.each(['flash_attention_forward', 'flash_attention_backward'] as const)(
    '%s fits a GPU of default limits',
    async (name) => {
      expect(device).toBeDefined();
      const { wgsl, overrides, workgroups } = KERNELS[name].variant(dims, GPU_OF_DEFAULT_LIMITS);
      expect(wgsl).toBe(`${name}_workgroup`);
      expect(Math.max(...workgroups)).toBeLessThanOrEqual(65_535);
      device!.pushErrorScope('validation');
      const module = device!.createShaderModule({ code: WGSL[wgsl] ?? '' });
      device!.createComputePipeline({ layout: 'auto', compute: { module, constants: overrides } });
      expect((await device!.popErrorScope())?.message).toBeUndefined();
    },
  );
});
