import { expect } from 'vitest';
import type { Dims, Kernel, KernelVariant, TwinArray } from '../src';
import { fill, seededUniform } from './seeded-data';
import { formatDims, type HostTensors, type TestDevice } from './webgpu-device';

export const PRODUCTS = ['matmul_nn', 'matmul_nt', 'matmul_tn'] as const;
export const FUSED = ['matmul_nn_gelu', 'matmul_nt_swiglu'] as const;
/** Tiles cut by the edges, K in whole vectors and not in whole slabs; and primes. */
export const SHAPES: readonly Dims[] = [
  { M: 132, K: 52, N: 140, bias: 1, residual: 1, accumulate: 1 },
  { M: 131, K: 37, N: 199, bias: 1, continued: 1 },
];
export const FUSED_SHAPES: readonly Dims[] = [
  { M: 132, K: 20, N: 68, bias: 1 },
  { M: 67, K: 37, N: 131, bias: 0 },
];
/** The bound that the shaders state: a sum of K products rounds K times, in directions that do not agree. */
const tolerance = ({ K = 1 }: Dims): number => 4e-7 * Math.sqrt(K) + 2e-7;

const STRIDED: Readonly<Record<string, 'M' | 'K' | 'N'>> = { matmul_nn: 'K', matmul_nt: 'N', matmul_tn: 'M' };
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  matmul_nn: ['bias', 'residual', 'continued', 'accumulate'],
  matmul_nt: ['residual', 'accumulate'],
};
/** By so much the rows of the strided matrix lie further apart. */
const SLACK = 8;

export function strided(name: string, dims: Dims): Dims {
  const flags = FLAGS[name] ?? ['accumulate'];
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

function worst(actual: Float32Array | Uint32Array, expected: TwinArray): number {
  let [difference, largest] = [0, 0];
  expected.forEach((value, index) => {
    const each = Math.abs(value - actual[index]!);
    difference = Math.max(difference, Number.isNaN(each) ? Infinity : each);
    largest = Math.max(largest, Math.abs(value));
  });
  return difference / largest;
}

interface VariantCheck {
  readonly on: TestDevice;
  readonly among?: (variants: readonly KernelVariant[]) => readonly KernelVariant[];
}

/**
 * Holds the variants for GPUs that `among` leaves to the naive one's bits, and to the twin.
 */
export async function checkVariants(
  kernel: Kernel,
  dims: Dims,
  { on, among = (all) => all }: VariantCheck,
): Promise<void> {
  const uniform = seededUniform(1);
  const arrays = kernel.bindings.map((binding) => {
    return [binding.name, fill(undefined, elements(binding, dims), { uniform, dims })] as const;
  });
  const tensors: HostTensors = Object.fromEntries(arrays);
  const twins = Object.fromEntries(arrays.map(([name, data]) => [name, Float64Array.from(data)]));
  kernel.cpu(dims, twins);
  const naive = await on.run(kernel, kernel.reference(dims, on.target), { tensors });
  for (const variant of among(kernel.variants!(dims, { ...on.target, adapterClass: 'gpu' }))) {
    // What the variants say of their rounding: a tuner may choose among them.
    expect(variant.rounding, variant.wgsl).toBe('ascending');
    for (const [output, actual] of Object.entries(await on.run(kernel, variant, { tensors }))) {
      const subject = `${variant.wgsl} ${formatDims(dims)} ${output}`;
      expect(worst(actual, twins[output]!), subject).toBeLessThanOrEqual(tolerance(dims));
      expect(new Uint32Array(actual.buffer), subject).toEqual(new Uint32Array(naive[output]!.buffer));
    }
  }
}
