import { describe, expect, it } from 'vitest';
import type { Operation, Program } from '../program';
import { KERNELS } from '../registry';
import { PARTIAL_SUMS, PARTIAL_SUMS_MAX, splitProducts } from './split-products';

const GPU = { adapterClass: 'gpu' } as const;

function programOf(kernel: Operation['kernel'], dims: Operation['dims']): Program {
  const { bindings } = KERNELS[kernel];
  const names = bindings.map(({ name }) => name);
  const tensors = Object.fromEntries(names.map((name) => [name, name]));
  return { name: 'product', tensors: [], steps: [{ kernel, dims, tensors }] };
}

const gradient = programOf('matmul_tn', { M: 768, K: 4096, N: 768, accumulate: 1 });

describe('splitProducts', () => {
  it('splits a product of few tiles by its shape, and adds the parts in a step of their own', () => {
    const { tensors, steps } = splitProducts(programOf('matmul_tn', { M: 384, K: 4100, N: 768, accumulate: 1 }), GPU);
    const parts_PMN = { tensor: PARTIAL_SUMS, offset: 0, length: 4 * 384 * 768 };
    expect(steps).toEqual([
      {
        kernel: 'matmul_tn_parts',
        dims: { M: 384, K: 4100, N: 768, P: 4, partK: 1040 },
        tensors: { a_KM: 'a_KM', b_KN: 'b_KN', parts_PMN },
      },
      {
        kernel: 'matmul_parts_sum',
        dims: { M: 384, N: 768, P: 4, bias: 0, residual: 0, accumulate: 1 },
        tensors: { parts_PMN, bias_N: 'a_KM', residual_MN: 'a_KM', c_MN: 'c_MN' },
      },
    ]);
    expect(tensors).toEqual([{ name: PARTIAL_SUMS, shape: [PARTIAL_SUMS_MAX], dtype: 'f32', role: 'scratch' }]);
  });

  it('gives bias and residual to the step that adds', () => {
    const { steps } = splitProducts(programOf('matmul_nn', { M: 64, K: 4096, N: 64, bias: 1, residual: 1 }), GPU);
    expect(steps[1]).toMatchObject({
      dims: { P: 16, bias: 1, residual: 1, accumulate: 0 },
      tensors: { bias_N: 'bias_N', residual_MN: 'residual_MN', c_MN: 'c_MN' },
    });
  });

  it('stores the sum as the product does: in f16, unless it is the gradient of a weight', () => {
    const dims = { M: 64, K: 4096, N: 64, accumulate: 1 };
    const kernels = (product: Operation['kernel']): unknown[] =>
      splitProducts(programOf(product, dims), GPU).steps.map((step) => (step as Operation).kernel);
    expect(kernels('matmul_nn_f16')).toEqual(['matmul_nn_parts_f16', 'matmul_parts_sum_f16']);
    expect(kernels('matmul_nt_f16')).toEqual(['matmul_nt_parts_f16', 'matmul_parts_sum_f16']);
    expect(kernels('matmul_tn_f16')).toEqual(['matmul_tn_parts_f16', 'matmul_parts_sum']);
    for (const product of ['matmul_nn_f16', 'matmul_nt_f16', 'matmul_tn_f16'] as const) {
      const types = (kernel: Operation['kernel']): string[] =>
        KERNELS[kernel].bindings.filter(({ name }) => name === 'c_MN').map(({ dtype }) => dtype);
      expect(types(kernels(product)[1] as Operation['kernel'])).toEqual(types(product));
    }
  });

  it.each([
    ['on a CPU driver', programOf('matmul_tn', { M: 64, K: 4096, N: 64 }), 'cpu'],
    ['of enough tiles', gradient, 'gpu'],
    ['of too few products', programOf('matmul_tn', { M: 64, K: 511, N: 64 }), 'gpu'],
    ['that is a part already', programOf('matmul_nn', { M: 64, K: 4096, N: 64, stride: 8192 }), 'gpu'],
    ['that goes on from a part', programOf('matmul_nn', { M: 64, K: 4096, N: 64, continued: 1 }), 'gpu'],
    ['whose factor exceeds a binding', programOf('matmul_tn', { M: 640, K: 65_536, N: 64 }), 'gpu'],
  ] as const)('leaves a product whole %s', (_, program, adapterClass) => {
    expect(splitProducts(program, { adapterClass })).toBe(program);
  });

  it('never has more sums than the tensor, whatever the shape', () => {
    for (let M = 1; M < 9000; M += 61) {
      for (const N of [1, 63, 64, 65, 500, 1000, 4000, 8000]) {
        expect(() => splitProducts(programOf('matmul_tn', { M, K: 3000, N }), GPU), `${M} x ${N}`).not.toThrow();
      }
    }
  });
});
