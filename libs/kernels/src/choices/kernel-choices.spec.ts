import { describe, expect, it } from 'vitest';
import { type Dims, KERNELS, type KernelName, type KernelTarget } from '..';
import { chosenVariant, interchangeable, kernelChoices, NO_CHOICES, shapeBucket } from './kernel-choices';

const GPU: KernelTarget = {
  adapterClass: 'gpu',
  maxWorkgroupSize: 1024,
  maxWorkgroupsPerDimension: 65_535,
  workgroupBytesMax: 49_152,
  subgroups: true,
  subgroupSize: 32,
};
const LAVAPIPE: KernelTarget = { ...GPU, adapterClass: 'cpu', subgroupSize: 8 };
const PRODUCT: Dims = { M: 2048, K: 768, N: 2304, bias: 1, residual: 0, accumulate: 0 };

describe('a bucket of shapes', () => {
  it('holds the sizes by their doublings, and no flags', () => {
    expect(shapeBucket(PRODUCT)).toBe('K10 M11 N12');
    expect(shapeBucket({ ...PRODUCT, bias: 0, stride: 800, M: 1025 })).toBe('K10 M11 N12');
    expect(shapeBucket({ ...PRODUCT, M: 2049 })).toBe('K10 M12 N12');
    expect(shapeBucket({ N: 1, C: 3, eps: 1e-5 })).toBe('C2 N0');
  });
});

describe('variants that may take the place of one another', () => {
  const forms = (name: KernelName, dims: Dims, target = GPU): (string | undefined)[] =>
    interchangeable(KERNELS[name], dims, target).map(({ form, wgsl }) => form ?? wgsl);

  it('are those of the same bits, the usual one first', () => {
    expect(forms('matmul_nn', PRODUCT)).toEqual(['128x128', 'scalar', 'tile', 'workgroup', '128x64', '64x64']);
    expect(forms('matmul_nt_swiglu', PRODUCT)).toEqual(['128x128', 'scalar', '128x64', '64x64']);
    expect(forms('rmsnorm_forward', { N: 64, C: 4096, eps: 1e-6 })).toEqual(['middle', 'long']);
    expect(forms('rmsnorm_backward_input', { N: 64, C: 4096 })).toEqual(['middle', 'long']);
    expect(forms('layernorm_backward_input', { N: 64, C: 16_384 })).toEqual(['long']);
    expect(forms('layernorm_forward', { N: 64, C: 768, eps: 1e-5 })).toEqual(['short-128', 'short-64', 'short-256']);
  });

  it('are no other ways to add up a row, nor products by fours', () => {
    expect(forms('layernorm_forward', { N: 64, C: 4096, eps: 1e-5 })).toEqual(['middle']);
    expect(forms('cross_entropy_forward', { N: 64, V: 4096 })).toEqual(['middle']);
    expect(forms('cross_entropy_forward', { N: 64, V: 50_257 })).toEqual(['long']);
    expect(forms('matmul_nn', PRODUCT, LAVAPIPE)).toEqual(['subgroup']);
    expect(forms('gelu_forward', { L: 64 })).toEqual(['gelu_forward']);
  });

  it('are what the adapter can run', () => {
    const small = { ...GPU, workgroupBytesMax: 16_384, maxWorkgroupSize: 128 };
    expect(forms('matmul_nn', PRODUCT, small)).toEqual(['128x64', 'scalar', 'tile', '64x64']);
    expect(forms('rmsnorm_forward', { N: 64, C: 5000, eps: 1e-6 }, small)).toEqual(['long']);
  });
});

describe('a choice', () => {
  const launched = (form: string, dims: Dims = PRODUCT, target = GPU): string | undefined => {
    const choices = kernelChoices([{ kernel: 'matmul_nn', bucket: 'K10 M11 N12', form }]);
    return chosenVariant(KERNELS.matmul_nn, dims, { target, choices }).wgsl;
  };

  it('is launched for the shapes of its bucket, and no others', () => {
    expect(launched('64x64')).toBe('matmul_nn_block_64x64');
    expect(launched('64x64', { ...PRODUCT, K: 769 })).toBe('matmul_nn_block_64x64_any');
    expect(launched('64x64', { ...PRODUCT, K: 1025 })).toBe('matmul_nn_block_128x128_any');
    expect(chosenVariant(KERNELS.matmul_nn, PRODUCT, { target: GPU, choices: NO_CHOICES }).wgsl).toBe(
      'matmul_nn_block_128x128',
    );
  });

  it('changes no bits: what rounds otherwise, is unknown or does not fit is not taken', () => {
    expect(launched('tile', PRODUCT, LAVAPIPE)).toBe('matmul_nn_subgroup');
    expect(launched('256x256')).toBe('matmul_nn_block_128x128');
    expect(launched('128x128', PRODUCT, { ...GPU, workgroupBytesMax: 16_384 })).toBe('matmul_nn_block_128x64');
  });
});
