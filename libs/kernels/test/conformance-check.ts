import { fromFloat16Bits, roundToFloat16, toFloat16Array } from '@millrace/tensor';
import { type Kernel, KERNELS, type KernelTarget, type KernelVariant, type TwinArray, withDerivedInputs } from '../src';
import type { ConformanceCase } from './cases/conformance-case';
import { fill, seededUniform } from './seeded-data';
import type { HostTensors } from './webgpu-device';

/** By this part of the largest entry, what is stored as f16 may be rounded up in one and down in the other. */
const HALF_EPSILON = 2 ** -10;

/** Every variant that some adapter would choose, and that this one can run. */
export function variantsOf(
  kernel: Kernel,
  dims: Record<string, number>,
  { target, gpuVariants }: { target: KernelTarget; gpuVariants: boolean },
): KernelVariant[] {
  const plain: KernelTarget = {
    adapterClass: 'gpu',
    maxWorkgroupSize: target.maxWorkgroupSize,
    maxWorkgroupsPerDimension: target.maxWorkgroupsPerDimension,
    subgroups: false,
  };
  const targets: KernelTarget[] = [
    { ...target, adapterClass: 'cpu' },
    { ...plain, adapterClass: 'cpu' },
    ...(gpuVariants ? [plain, { ...target, adapterClass: 'gpu' as const }] : []),
    // Forces two-dimensional launches, which real limits reach at sizes too large for a test.
    { ...plain, adapterClass: 'cpu', maxWorkgroupsPerDimension: 60 },
  ];
  const all = [kernel.reference(dims, target), ...targets.map((each) => kernel.variant(dims, each))];
  return [...new Map(all.map((variant) => [JSON.stringify(variant), variant])).values()];
}

/** Made-up content of every binding; what follows from others follows from what was made up for them. */
export function hostTensors(testCase: ConformanceCase, dims: Record<string, number>): HostTensors {
  const kernel = KERNELS[testCase.kernel];
  const uniform = seededUniform(1);
  const sizes = testCase.sizes(dims);
  const made = Object.fromEntries(
    kernel.bindings.map(({ name, dtype }) => {
      const data = fill(testCase.fillings?.[name], sizes[name] ?? 0, { uniform, dims });
      // Shader and twin read the same numbers.
      return [name, dtype === 'f16' ? Float32Array.from(toFloat16Array(data), fromFloat16Bits) : data];
    }),
  );
  return withDerivedInputs(kernel, made);
}

export function twinTensors(
  kernel: Kernel,
  dims: Record<string, number>,
  tensors: HostTensors,
): Record<string, TwinArray> {
  const twins = Object.fromEntries(
    Object.entries(tensors).map(([name, data]) => {
      return [name, data instanceof Uint32Array ? data.slice() : Float64Array.from(data)];
    }),
  );
  kernel.cpu(dims, twins);
  for (const { name, dtype, access } of kernel.bindings) {
    if (dtype === 'f16' && access === 'read_write') roundToFloat16(twins[name] as Float64Array);
  }
  return twins;
}

/** The largest difference that a kernel's tensor may have from its twin. */
export function limitOf({ kernel, tolerance }: ConformanceCase, binding: string, dims: Record<string, number>): number {
  const { dtype } = KERNELS[kernel].bindings.find(({ name }) => name === binding)!;
  const limit = tolerance(dims);
  return dtype === 'f16' && limit > 0 ? limit + HALF_EPSILON : limit;
}

interface Difference {
  readonly absolute: number;
  readonly relative: number;
}

/** Largest difference, and that as a fraction of the twin's largest entry; NaN on one side alone counts as infinite. */
export function compare(
  actual: Float32Array | Uint32Array,
  expected: TwinArray,
  { skip, scaleMin = 0 }: { skip: (index: number) => boolean; scaleMin: number | undefined },
): Difference {
  let absolute = 0;
  let largest = scaleMin;
  expected.forEach((value, index) => {
    if (skip(index)) return;
    const difference = Math.abs(value - (actual[index] ?? Number.NaN));
    absolute = Math.max(absolute, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    largest = Math.max(largest, Math.abs(value));
  });
  return { absolute, relative: absolute === 0 ? 0 : absolute / largest };
}

export function aboveDiagonal(
  testCase: ConformanceCase,
  name: string,
  dims: Record<string, number>,
): (index: number) => boolean {
  const { T = 1 } = dims;
  return testCase.triangular?.includes(name) ? (index) => index % T > Math.floor(index / T) % T : () => false;
}
