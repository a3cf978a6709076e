import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dims, type Kernel, KERNELS, type KernelTarget, type TwinArray, WGSL } from '../src';
import { fill, seededUniform } from './seeded-data';
import { formatDims, type HostTensors, openTestDevice, type TestDevice } from './webgpu-device';

const PRODUCTS = ['matmul_nn', 'matmul_nt', 'matmul_tn'] as const;
const FUSED = ['matmul_nn_gelu', 'matmul_nt_swiglu', 'matmul_nt_add'] as const;
const PARTS = ['matmul_nn_parts', 'matmul_nt_parts', 'matmul_tn_parts'] as const;

/** Tiles cut by the edges, K in whole vectors and not in whole slabs; and primes. */
const SHAPES: readonly Dims[] = [
  { M: 132, K: 52, N: 140, bias: 1, residual: 1, accumulate: 1 },
  { M: 131, K: 37, N: 199, bias: 1, continued: 1 },
];
const FUSED_SHAPES: readonly Dims[] = [
  { M: 132, K: 20, N: 68, bias: 1 },
  { M: 67, K: 37, N: 131, bias: 0 },
];
/** The last part and the edges are cut. */
const PARTS_SHAPE: Dims = { M: 68, K: 52, N: 72, P: 2, partK: 32 };
/** A software driver compiles each of them for seconds. */
const RANDOM_SHAPES_ON_A_GPU = 12;
const TIMEOUT_MS = 300_000;

/** The bound that the shaders state: a sum of K products rounds K times, in directions that do not agree. */
const tolerance = ({ K = 1 }: Dims): number => 4e-7 * Math.sqrt(K) + 2e-7;

const STRIDED: Readonly<Record<string, 'M' | 'K' | 'N'>> = { matmul_nn: 'K', matmul_nt: 'N', matmul_tn: 'M' };
/** By so much the rows of the strided matrix lie further apart. */
const SLACK = 8;

function strided(name: string, dims: Dims): Dims {
  const flags = name === 'matmul_nn' ? ['bias', 'residual', 'continued', 'accumulate'] : ['accumulate'];
  const { M = 1, K = 1, N = 1 } = dims;
  const stride = { M, K, N }[STRIDED[name]!] + SLACK;
  return { M, K, N, stride, ...Object.fromEntries(flags.map((flag) => [flag, dims[flag] ?? 0])) };
}

/** Elements of a binding: the letters of its name are its sizes, and rows of a strided one lie further apart. */
function elements({ name, strided: apart }: Kernel['bindings'][number], dims: Dims): number {
  const sizes = [...name.split('_')[1]!].map((letter) => dims[letter]!);
  if (apart) return (sizes[0]! - 1) * dims['stride']! + sizes[1]!;
  return sizes.reduce((product, size) => product * size, 1);
}

function randomShapes(count: number): Dims[] {
  const uniform = seededUniform(7);
  const size = (max: number): number => 1 + Math.floor(uniform() * max);
  return Array.from({ length: count }, () => ({ M: size(300), K: size(600), N: size(300), accumulate: size(2) - 1 }));
}

let device: TestDevice | undefined;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device?.close());

function worst(actual: Float32Array | Uint32Array, expected: TwinArray): number {
  let [difference, largest] = [0, 0];
  expected.forEach((value, index) => {
    const each = Math.abs(value - actual[index]!);
    difference = Math.max(difference, Number.isNaN(each) ? Infinity : each);
    largest = Math.max(largest, Math.abs(value));
  });
  return difference / largest;
}

async function check(kernel: Kernel, dims: Dims, on: TestDevice): Promise<void> {
  const uniform = seededUniform(1);
  const arrays = kernel.bindings.map((binding) => {
    return [binding.name, fill(undefined, elements(binding, dims), { uniform, dims })] as const;
  });
  const tensors: HostTensors = Object.fromEntries(arrays);
  const twins = Object.fromEntries(arrays.map(([name, data]) => [name, Float64Array.from(data)]));
  kernel.cpu(dims, twins);
  const naive = await on.run(kernel, kernel.reference(dims, on.target), { tensors });
  for (const variant of kernel.variants!(dims, { ...on.target, adapterClass: 'gpu' })) {
    // What the variants say of their rounding: a tuner may choose among them.
    expect(variant.rounding, variant.wgsl).toBe('ascending');
    for (const [output, actual] of Object.entries(await on.run(kernel, variant, { tensors }))) {
      const subject = `${variant.wgsl} ${formatDims(dims)} ${output}`;
      expect(worst(actual, twins[output]!), subject).toBeLessThanOrEqual(tolerance(dims));
      expect(new Uint32Array(actual.buffer), subject).toEqual(new Uint32Array(naive[output]!.buffer));
    }
  }
}

describe.each(PRODUCTS)('every variant of %s for GPUs gives the bits of the naive one, near the twin', (name) => {
  it.for(SHAPES)('%o', { timeout: TIMEOUT_MS }, async (shape, { skip }) => {
    if (device === undefined) return skip('no adapter');
    await check(KERNELS[name], strided(name, shape), device);
  });

  it('random shapes', { timeout: TIMEOUT_MS }, async ({ skip }) => {
    if (device?.target.adapterClass !== 'gpu') return skip('no GPU: a software driver takes seconds for each shader');
    for (const shape of randomShapes(RANDOM_SHAPES_ON_A_GPU)) await check(KERNELS[name], strided(name, shape), device);
  });
});

describe.each(PARTS)('every variant of %s gives the bits of the naive one, near the twin', (name) => {
  it('in whole vectors', { timeout: TIMEOUT_MS }, async ({ skip }) => {
    if (device === undefined) return skip('no adapter');
    await check(KERNELS[name], PARTS_SHAPE, device);
  });
});

describe.each(FUSED)('every variant of %s gives the bits of the naive one, near the twin', (name) => {
  it.for(FUSED_SHAPES)('%o', { timeout: TIMEOUT_MS }, async (shape, { skip }) => {
    if (device === undefined) return skip('no adapter');
    const isSoftware = device.target.adapterClass === 'cpu';
    if (isSoftware && shape !== FUSED_SHAPES[0]) return skip('no GPU: its loads are those of the products above');
    await check(KERNELS[name], shape, device);
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
