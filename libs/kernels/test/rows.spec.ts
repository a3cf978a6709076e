import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dims, KERNELS, type KernelName, type KernelTarget, type RowThresholds, type TwinArray } from '../src';
import { CONFORMANCE_CASES } from './conformance-cases';
import { fill, seededUniform } from './seeded-data';
import { formatDims, type HostTensors, openTestDevice, type TestDevice } from './webgpu-device';

type Form = 'short' | 'middle' | 'long' | 'naive' | 'workgroup';

const ROW_KERNELS = [
  'layernorm_forward',
  'layernorm_backward_input',
  'rmsnorm_forward',
  'rmsnorm_backward_input',
  'cross_entropy_forward',
] as const satisfies readonly KernelName[];

/** Kernels that add up columns, in a form for software drivers and one for GPUs. */
const COLUMN_KERNELS: readonly KernelName[] = ['layernorm_backward_weight', 'rmsnorm_backward_weight', 'bias_backward'];

const KERNEL_NAMES: readonly KernelName[] = [...ROW_KERNELS, 'cross_entropy_backward', ...COLUMN_KERNELS];

/** Whatever the length, the form of rows that is to be tested. */
const THRESHOLDS: Readonly<Partial<Record<Form, RowThresholds>>> = {
  short: { shortMax: Infinity, middleMax: 0 },
  middle: { shortMax: 0, middleMax: Infinity },
  long: { shortMax: 0, middleMax: 0 },
};

/**
 * Rows by their length. Whole and cut packs, lanes with nothing, one row and many, primes, and for long rows lengths
 * that no form holds. A subgroup of 4 lanes holds 32 elements of rows that are no multiple of four, and 128 of others.
 */
const SHAPES: Readonly<Record<Form, readonly (readonly [rows: number, length: number])[]>> = {
  short: [
    [1, 1],
    [200_000, 3],
    [97, 31],
    [5, 36],
    [1009, 128],
  ],
  middle: [
    [7, 5],
    [2, 1021],
    [61, 1900],
  ],
  long: [
    [3, 3],
    [2, 200_000],
    [1, 50_257],
  ],
  naive: [
    [200_000, 3],
    [2, 200_000],
    [31, 1021],
    [1, 1],
  ],
  workgroup: [
    [200_000, 3],
    [2, 50_257],
    [1021, 31],
    [31, 64],
    [1, 1],
  ],
};
const RANDOM_COUNT = 1;
const TIMEOUT_MS = 300_000;
const EPSILON = 2 ** -23;

/** Sums of `terms` terms, a few operations on each side of them, and the device's exp and sqrt of a few units. */
function bound(terms: number): number {
  return EPSILON * (8 + Math.sqrt(terms));
}

function formsOf(name: KernelName): readonly Form[] {
  if (COLUMN_KERNELS.includes(name)) return ['naive', 'workgroup'];
  return (ROW_KERNELS as readonly KernelName[]).includes(name) ? ['naive', 'short', 'middle', 'long'] : ['naive'];
}

/** Sums go along a row, and in the gradients of weights and biases along a column. */
function termsOf(kernel: KernelName, [rows, length]: readonly [number, number]): number {
  return /weight|bias/.test(kernel) ? rows : length;
}

function dimsOf(kernel: KernelName, [rows, length]: readonly [number, number], odd: number): Dims {
  if (kernel.startsWith('cross_entropy')) return { N: rows, V: length };
  const dims = { N: rows, C: length };
  return kernel.endsWith('forward') ? { ...dims, eps: 1e-5 } : { ...dims, residual: odd, accumulate: odd };
}

/** The shapes of a form and some more whose rows and lengths are made up, the same in every run. */
function shapesOf(form: Form, seed: number): (readonly [number, number])[] {
  const uniform = seededUniform(seed);
  const longest = form === 'short' ? 32 : 1900;
  const random = Array.from({ length: RANDOM_COUNT }, () => {
    return [1 + Math.floor(uniform() * 90), 1 + Math.floor(uniform() * longest)] as const;
  });
  return [...SHAPES[form], ...random];
}

function hostTensors(name: KernelName, dims: Dims): HostTensors {
  const testCase = CONFORMANCE_CASES.find(({ kernel }) => kernel === name)!;
  const uniform = seededUniform(3);
  const sizes = testCase.sizes({ ...dims });
  const made = KERNELS[name].bindings.map(({ name: binding }) => {
    return [binding, fill(testCase.fillings?.[binding], sizes[binding] ?? 0, { uniform, dims })];
  });
  return Object.fromEntries(made) as HostTensors;
}

function twinsOf(name: KernelName, dims: Dims, tensors: HostTensors): Record<string, TwinArray> {
  const twins = Object.entries(tensors).map(([binding, data]) => {
    return [binding, data instanceof Uint32Array ? data : Float64Array.from(data)];
  });
  const arrays = Object.fromEntries(twins) as Record<string, TwinArray>;
  KERNELS[name].cpu(dims, arrays);
  return arrays;
}

/**
 * By how much a row's result magnifies what its elements were rounded by: layernorm divides by their deviation, which
 * is small beside their mean where they are almost the same.
 */
function conditionOf(name: KernelName, twins: Readonly<Record<string, TwinArray>>): (row: number) => number {
  if (name !== 'layernorm_forward') return () => 1;
  return (row) => 1 + Math.abs(twins['mean_N']![row]!) * twins['rstd_N']![row]!;
}

/** The largest difference as a part of the twin's largest entry, where rows are well conditioned. */
function difference(actual: ArrayLike<number>, expected: TwinArray, condition: (index: number) => number): number {
  let scale = Number.MIN_VALUE;
  for (const value of expected) scale = Math.max(scale, Math.abs(value));
  let worst = 0;
  expected.forEach((value, index) => {
    const apart = Math.abs(value - actual[index]!) / scale / condition(index);
    worst = Math.max(worst, Number.isNaN(apart) ? Infinity : apart);
  });
  return worst;
}

describe('rows of every length agree with the twins', () => {
  let device: TestDevice | undefined;
  const worst = new Map<string, string>();

  beforeAll(async () => {
    device = await openTestDevice();
  });

  afterAll(() => {
    if (worst.size > 0) process.stdout.write(`rows on ${device?.description}\n${[...worst.values()].join('\n')}\n`);
    device?.close();
  });

  async function check(name: KernelName, form: Form, on: TestDevice): Promise<void> {
    const kernel = KERNELS[name];
    const rowThresholds = THRESHOLDS[form];
    const target: KernelTarget = { ...on.target, adapterClass: 'gpu', ...(rowThresholds && { rowThresholds }) };
    let worstRatio = 0;
    for (const [index, shape] of shapesOf(form, KERNEL_NAMES.indexOf(name)).entries()) {
      const dims = dimsOf(name, shape, index % 2);
      const tensors = hostTensors(name, dims);
      const expected = twinsOf(name, dims, tensors);
      const condition = conditionOf(name, expected);
      const variant = form === 'naive' ? kernel.reference(dims, target) : kernel.variant(dims, target);
      const subject = `${variant.wgsl} ${formatDims(dims)}`;
      expect(variant.wgsl, subject).toMatch(
        form === 'naive' ? new RegExp(`^${name}$`) : new RegExp(`_${form}(_odd)?$`),
      );
      const actual = await on.run(kernel, variant, { tensors });
      for (const [binding, values] of Object.entries(actual)) {
        const rowLength = values.length / shape[0];
        const relative = difference(values, expected[binding]!, (index) => condition(Math.floor(index / rowLength)));
        const limit = bound(termsOf(name, shape));
        expect(relative, `${subject} ${binding}`).toBeLessThanOrEqual(limit);
        if (relative / limit < worstRatio) continue;
        worstRatio = relative / limit;
        worst.set(
          `${name} ${form}`,
          `${subject} ${binding}: rel ${relative.toExponential(1)} of ${limit.toExponential(1)}`,
        );
      }
    }
  }

  for (const name of KERNEL_NAMES) {
    for (const form of formsOf(name)) {
      it(`${name}, ${form}`, { timeout: TIMEOUT_MS }, async ({ skip }) => {
        if (device === undefined) return skip('no adapter');
        if (form === 'short' && device.target.subgroupSize === undefined) return skip('no subgroups of one size');
        await check(name, form, device);
      });
    }
  }
});
