import { expect, it } from 'vitest';
import { KERNELS } from '../src';
import { openTestDevice, type TestDevice } from './webgpu-device';

/** A number that is to be stored, as a sum of two that f16 holds, and what is stored. */
const STORED: readonly (readonly [a: number, b: number, stored: number])[] = [
  [1, 2 ** -11, 1],
  [1 + 2 ** -10, 2 ** -11, 1 + 2 ** -9],
  [65_504, 15.9921875, 65_504],
  [65_504, 16, Infinity],
  [-65_504, -65_504, -Infinity],
  [Infinity, 1, Infinity],
  [Infinity, -Infinity, NaN],
  [2 ** -24, 0, 2 ** -24],
];

async function onDevice(use: (device: TestDevice) => Promise<void>, skip: (reason: string) => void): Promise<void> {
  const device = await openTestDevice();
  if (device?.half === true) await use(device);
  else skip(device === undefined ? 'no adapter' : 'no shader-f16');
  device?.close();
}

it('a number is stored as the nearest f16, and one that f16 does not hold as infinite', async ({ skip }) => {
  await onDevice(async ({ run, target }) => {
    const kernel = KERNELS.add_f16;
    const [a_L, b_L] = [0, 1].map((index) => Float32Array.from(STORED, (row) => row[index]!)) as [
      Float32Array,
      Float32Array,
    ];
    const tensors = { a_L, b_L, y_L: new Float32Array(STORED.length) };
    const { y_L } = await run(kernel, kernel.variant({ L: STORED.length }, target), { tensors });
    expect([...y_L!]).toEqual(STORED.map(([, , stored]) => stored));
  }, skip);
});

it('so are four at a time', async ({ skip }) => {
  await onDevice(async ({ run, target }) => {
    const kernel = KERNELS.matmul_nn_f16;
    const dims = { M: STORED.length, K: 4, N: 4 };
    const variant = kernel.variant(dims, target);
    // Rows of a are two summands and zeros, columns of b add them up.
    const a_MK = Float32Array.from(STORED.flatMap(([a, b]) => [a, b, 0, 0]));
    const zeros = (count: number): Float32Array => new Float32Array(count);
    const unread = { bias_N: zeros(4), residual_MN: zeros(4 * dims.M) };
    const tensors = { ...unread, a_MK, b_KN: zeros(16).fill(1), c_MN: zeros(4 * dims.M) };
    const stored = await run(kernel, variant, { tensors });
    expect([...stored['c_MN']!]).toEqual(STORED.flatMap(([, , value]) => [value, value, value, value]));
    if (target.subgroupSize === 8) expect(variant.wgsl).toBe('matmul_nn_subgroup_f16');
  }, skip);
});
