import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dims, KERNELS, type KernelTarget, WGSL } from '../src';
import { checkVariants, FUSED, FUSED_SHAPES, PRODUCTS, SHAPES, strided } from './product-variants';
import { openTestDevice, type TestDevice } from './webgpu-device';

const PARTS = ['matmul_nn_parts', 'matmul_nt_parts', 'matmul_tn_parts'] as const;
/** The last part and the edges are cut. */
const PARTS_SHAPE: Dims = { M: 68, K: 52, N: 72, P: 2, partK: 32 };
/** A software driver compiles a shader for seconds: all variants are in matmul-variants.long.spec.ts. */
const TIMEOUT_MS = 120_000;

let device: TestDevice | undefined;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device?.close());

it('the least tile gives the bits of the naive form, near the twin', { timeout: TIMEOUT_MS }, async ({ skip }) => {
  if (device === undefined) return skip('no adapter');
  const dims = strided('matmul_tn', SHAPES[1]!);
  await checkVariants(KERNELS.matmul_tn, dims, { on: device, among: (all) => all.slice(-1) });
});

describe.each(PARTS)('every variant of %s gives the bits of the naive one, near the twin', (name) => {
  it('in whole vectors', { timeout: TIMEOUT_MS }, async ({ skip }) => {
    if (device === undefined) return skip('no adapter');
    await checkVariants(KERNELS[name], PARTS_SHAPE, { on: device });
  });
});

describe('variants for GPUs on a device of least limits', () => {
  const target: KernelTarget = {
    adapterClass: 'gpu',
    maxWorkgroupSize: 1024,
    maxWorkgroupsPerDimension: 65_535,
    workgroupBytesMax: 49_152,
    subgroups: false,
  };
  let least: GPUDevice | undefined;
  // Dawn ends the process when the instance is collected while a device of it lives.
  let instance: GPU | undefined;
  beforeAll(async () => {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    instance = create(['backend=null']);
    least = await (await instance.requestAdapter())?.requestDevice();
  });
  afterAll(() => least?.destroy());

  const cases = [
    ...PRODUCTS.map((name) => [name, SHAPES.map((dims) => strided(name, dims))] as const),
    ...FUSED.map((name) => [name, FUSED_SHAPES] as const),
    ...PARTS.map((name) => [name, [PARTS_SHAPE, { ...PARTS_SHAPE, M: 67, K: 53, N: 71 }]] as const),
  ];
  it.each(cases)('%s: each needs what it says, and no more', async (name, shapes) => {
    for (const dims of shapes) {
      for (const { wgsl, overrides, needs } of KERNELS[name].variants!(dims, target)) {
        const module = least!.createShaderModule({ code: WGSL[wgsl]! });
        expect((await module.getCompilationInfo()).messages, wgsl).toEqual([]);
        least!.pushErrorScope('validation');
        least!.createComputePipeline({ layout: 'auto', compute: { module, constants: overrides } });
        const message = (await least!.popErrorScope())?.message;
        const bytes = needs?.workgroupBytes ?? 0;
        if (bytes <= 16_384) expect(message, wgsl).toBeUndefined();
        else expect(message, wgsl).toContain(`workgroup storage (${bytes} bytes)`);
      }
    }
  });
});
