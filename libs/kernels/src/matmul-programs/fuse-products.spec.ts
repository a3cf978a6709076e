import type { TensorRef } from '@millrace/tensor';
import { describe, expect, it } from 'vitest';
import type { KernelTarget } from '../kernel';
import type { Operation, Program } from '../program';
import { fuseProducts } from './fuse-products';

const GPU: KernelTarget = {
  adapterClass: 'gpu',
  maxWorkgroupSize: 256,
  maxWorkgroupsPerDimension: 65_535,
  subgroups: false,
};
const LARGE = { M: 1024, K: 768, N: 768 };
const L = 1024 * 768;

const bound = { a_MK: 'x', b_KN: 'w', bias_N: 'bias', residual_MN: 'x', c_MN: 'fc' };
const product: Operation = {
  kernel: 'matmul_nn',
  dims: { ...LARGE, bias: 1, residual: 0, accumulate: 0 },
  tensors: bound,
};
const gelu: Operation = { kernel: 'gelu_forward', dims: { L }, tensors: { x_L: 'fc', y_L: 'y' } };
const projection: Operation = {
  kernel: 'matmul_nt',
  dims: { ...LARGE, residual: 0, accumulate: 0 },
  tensors: { a_MK: 'x', b_NK: 'w', residual_MN: 'x', c_MN: 'c' },
};

function fused(
  steps: Program['steps'],
  isBound: (ref: TensorRef) => boolean = () => true,
  target = GPU,
): Program['steps'] {
  return fuseProducts({ name: 'forward', tensors: [], steps }, { target, isBound }).steps;
}

describe('fuseProducts', () => {
  it('joins a product and what reads it next', () => {
    const swiglu: Operation = { kernel: 'swiglu_forward', dims: { L }, tensors: { gate_L: 'g', up_L: 'c', y_L: 'y' } };
    expect(fused([{ clear: 'z' }, product, gelu, projection, swiglu, gelu])).toEqual([
      { clear: 'z' },
      {
        kernel: 'matmul_nn_gelu',
        dims: { ...LARGE, bias: 1 },
        tensors: { a_MK: 'x', b_KN: 'w', bias_N: 'bias', c_MN: 'fc', y_MN: 'y' },
      },
      {
        kernel: 'matmul_nt_swiglu',
        dims: LARGE,
        tensors: { a_MK: 'x', b_NK: 'w', gate_MN: 'g', c_MN: 'c', y_MN: 'y' },
      },
      gelu,
    ]);
  });

  it.each([
    ['of a product that adds to what is there', { ...product, dims: { ...product.dims, accumulate: 1 } }, gelu],
    ['of a product with a residual', { ...product, dims: { ...product.dims, residual: 1 } }, gelu],
    ['of columns of a wider matrix', { ...product, dims: { ...product.dims, stride: 1024 } }, gelu],
    ['of few tiles', { ...product, dims: { ...product.dims, M: 64 } }, { ...gelu, dims: { L: 64 * 768 } }],
    ['that reads something else', product, { ...gelu, tensors: { x_L: 'other', y_L: 'y' } }],
    ['that writes what the product reads', product, { ...gelu, tensors: { x_L: 'fc', y_L: 'x' } }],
    ['in place', product, { ...gelu, tensors: { x_L: 'fc', y_L: 'fc' } }],
  ] as const)('leaves a pair alone %s', (_, first, second) => {
    expect(fused([first, second])).toEqual([first, second]);
  });

  it('leaves alone what an adapter cannot bind whole, and software drivers', () => {
    expect(fused([product, gelu], (ref) => ref !== 'w')).toEqual([product, gelu]);
    expect(fused([product, gelu], () => true, { ...GPU, adapterClass: 'cpu' })).toEqual([product, gelu]);
  });
});
