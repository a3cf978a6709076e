import { expect, it } from 'vitest';
import { KERNELS, withDerivedInputs } from '../src';
import { seededUniform } from './seeded-data';
import { formatDims, openTestDevice } from './webgpu-device';

/** Few tokens many times, as line ends are; most tokens once; a part of the table and of the rows. */
const CASES = [
  { B: 3, T: 211, N: 633, C: 19, V: 7, first: 0, firstRow: 0, accumulate: 1 },
  { B: 1, T: 300, N: 300, C: 64, V: 4999, first: 0, firstRow: 0, accumulate: 1 },
  { B: 2, T: 101, N: 606, C: 33, V: 11, first: 5, firstRow: 202, accumulate: 1 },
];

it('buckets of tokens add up to the bits of the naive form', async ({ skip }) => {
  const device = await openTestDevice();
  if (device === undefined) return skip('no adapter');
  const kernel = KERNELS.embedding_backward_token;
  for (const dims of CASES) {
    const uniform = seededUniform(7);
    const values = (count: number): Float32Array => Float32Array.from({ length: count }, () => 2 * uniform() - 1);
    // A square makes small ids frequent.
    const tokens_N = Uint32Array.from({ length: dims.N }, () => Math.floor(uniform() ** 2 * (dims.V + dims.first)));
    const made = { tokens_N, dy_BTC: values(dims.B * dims.T * dims.C), dwte_VC: values(dims.V * dims.C) };
    const tensors = withDerivedInputs<Float32Array>(kernel, made);
    const variant = kernel.variant(dims, device.target);
    const naive = kernel.reference(dims, device.target);
    expect([variant.wgsl, naive.wgsl]).toEqual(['embedding_backward_token_sorted', 'embedding_backward_token']);
    const actual = await device.run(kernel, variant, { tensors });
    const expected = await device.run(kernel, naive, { tensors });
    const bits = (result: Record<string, Float32Array | Uint32Array>): Uint32Array => {
      return new Uint32Array(result['dwte_VC']!.buffer);
    };
    expect(bits(actual), formatDims(dims)).toEqual(bits(expected));
  }
  device.close();
});
