import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Dims, interchangeable, KERNELS, type KernelName, type KernelTarget } from '../src';
import { fill, seededUniform } from './seeded-data';
import { formatDims, type HostTensors, openTestDevice, type TestDevice } from './webgpu-device';

let device: TestDevice | undefined;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device?.close());

/** A software driver compiles a shader for seconds. */
const TIMEOUT_MS = 120_000;
const LONG: KernelTarget['rowThresholds'] = { shortMax: 0, middleMax: 4096 };

/** Whole packs, an edge of lanes with nothing to add, and more than one round of 256 lanes. */
const CASES: readonly (readonly [KernelName, Dims, KernelTarget['rowThresholds'], readonly string[]])[] = [
  ['rmsnorm_forward', { N: 5, C: 1100, eps: 1e-6 }, LONG, ['middle', 'long']],
  ['rmsnorm_backward_input', { N: 5, C: 1100, residual: 1 }, LONG, ['middle', 'long']],
  ['layernorm_backward_input', { N: 5, C: 1100, residual: 1 }, LONG, ['middle', 'long']],
  ['rmsnorm_forward', { N: 77, C: 20, eps: 1e-6 }, undefined, ['short-128', 'short-64', 'short-256']],
];

for (const [name, dims, rowThresholds, forms] of CASES) {
  const subject = `a tuner may choose among the forms of ${name} for ${formatDims(dims)}`;
  it(`${subject}: they give the same bits`, { timeout: TIMEOUT_MS }, async ({ skip }) => {
    if (device === undefined) return skip('no adapter');
    const isShort = rowThresholds === undefined;
    if (isShort && device.target.subgroupSize === undefined) return skip('no subgroups of one size');
    const target: KernelTarget = { ...device.target, adapterClass: 'gpu', ...(rowThresholds && { rowThresholds }) };
    const kernel = KERNELS[name];
    const uniform = seededUniform(7);
    const sizes: Record<string, number> = { NC: dims['N']! * dims['C']!, N: dims['N']!, C: dims['C']! };
    const made = kernel.bindings.map(({ name: binding }) => {
      return [binding, fill(undefined, sizes[binding.split('_')[1]!]!, { uniform, dims })];
    });
    const variants = interchangeable(kernel, dims, target);
    expect(variants.map(({ form }) => form)).toEqual(forms);
    const [usual, ...others] = variants;
    const tensors = Object.fromEntries(made) as HostTensors;
    const expected = await device.run(kernel, usual!, { tensors });
    for (const variant of others) {
      expect(await device.run(kernel, variant, { tensors }), variant.form).toEqual(expected);
    }
  });
}
