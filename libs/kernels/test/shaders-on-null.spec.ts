import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dims, KERNELS, type KernelTarget, WGSL, workgroupUse } from '../src';

/** Features of shaders that the null device has. */
const FEATURES = ['subgroups', 'shader-f16', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];

const GPU_TARGET: KernelTarget = {
  adapterClass: 'gpu',
  maxWorkgroupSize: 1024,
  maxWorkgroupsPerDimension: 65_535,
  workgroupBytesMax: 49_152,
  subgroups: true,
  subgroupSize: 32,
};

let device: GPUDevice;
// Dawn ends the process when the instance is collected while a device of it lives.
let instance: GPU;
beforeAll(async () => {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  instance = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = (await instance.requestAdapter())!;
  device = await adapter.requestDevice({ requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)) });
});
afterAll(() => device.destroy());

it('every shader is parsed, whatever an adapter must have to run it', async () => {
  for (const [name, code] of Object.entries(WGSL)) {
    device.pushErrorScope('validation');
    const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
    await device.popErrorScope();
    const errors = messages.filter(({ type }) => type === 'error');
    expect(
      errors.map(({ message, lineNum }) => `${name}:${lineNum}: ${message}`),
      name,
    ).toEqual([]);
  }
});

describe('what a shader asks of a workgroup is read from it as Dawn reads it', () => {
  const cases: readonly (readonly [keyof typeof KERNELS, Dims])[] = [
    ['layernorm_backward_input', { N: 4, C: 2500 }],
    ['layernorm_forward', { N: 4, C: 5003 }],
    ['rmsnorm_backward_input', { N: 4, C: 2503 }],
    ['cross_entropy_forward', { N: 4, V: 8000 }],
    ['matmul_nn', { M: 2048, K: 768, N: 2304 }],
    ['matmul_nt_swiglu', { M: 2048, K: 768, N: 2304 }],
  ];
  it.each(cases)('%s %o', async (name, given) => {
    const dims = { eps: 1e-5, ...given };
    const variant = KERNELS[name].variant(dims, GPU_TARGET);
    const { workgroupBytes } = workgroupUse(variant);
    expect(workgroupBytes, variant.wgsl).toBeGreaterThan(16_384);
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code: WGSL[variant.wgsl]! });
    device.createComputePipeline({ layout: 'auto', compute: { module, constants: variant.overrides } });
    expect((await device.popErrorScope())?.message).toContain(`workgroup storage (${workgroupBytes} bytes)`);
  });

  it('and agrees with what variants say that they need', () => {
    const dims = { M: 2048, K: 768, N: 2304, P: 2, partK: 384 };
    const products = Object.values(KERNELS).filter(({ name, variants }) => name.startsWith('matmul') && variants);
    expect(products.length).toBeGreaterThan(6);
    for (const kernel of products) {
      for (const variant of kernel.variants!(dims, GPU_TARGET)) {
        if (variant.needs !== undefined) expect(workgroupUse(variant), variant.wgsl).toEqual(variant.needs);
      }
    }
  });

  it('with aliases, constants and no workgroup memory at all', () => {
    const columns = KERNELS.layernorm_backward_weight.variant({ N: 8, C: 64 }, GPU_TARGET);
    expect(workgroupUse(columns)).toEqual({ workgroupSize: 256, workgroupBytes: 2048 });
    expect(workgroupUse(KERNELS.gelu_forward.variant({ L: 8 }, GPU_TARGET))).toEqual({
      workgroupSize: 64,
      workgroupBytes: 0,
    });
  });
});
