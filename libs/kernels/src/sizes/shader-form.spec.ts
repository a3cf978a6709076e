import { describe, expect, it } from 'vitest';
import { KERNELS, type KernelTarget } from '..';
import { shaderForm, sizedForm } from './shader-form';

const LAVAPIPE: KernelTarget = {
  adapterClass: 'cpu',
  maxWorkgroupSize: 1024,
  maxWorkgroupsPerDimension: 65_535,
  subgroups: true,
  subgroupSize: 8,
};
const GPU: KernelTarget = { ...LAVAPIPE, adapterClass: 'gpu', subgroupSize: 32 };
const DIMS = { N: 6, C: 40, eps: 1e-5 };

describe('shaderForm', () => {
  it('tells a software driver sizes in a buffer, in the order of its members', () => {
    const variant = KERNELS.layernorm_forward.variant(DIMS, LAVAPIPE);
    const { text, constants, sizes } = shaderForm(variant, LAVAPIPE);
    expect(constants).toEqual({ WG: 64 });
    expect(text).toContain('struct Sizes {\n  N: u32,\n  C: u32,\n  EPSILON: f32,\n}\n');
    expect(sizes).toHaveLength(16);
    const { buffer } = sizes!;
    expect([...new Uint32Array(buffer, 0, 2)]).toEqual([6, 40]);
    expect([...new Float32Array(buffer, 8, 1)]).toEqual([Math.fround(1e-5)]);
  });

  it('compiles sizes in for a GPU, and where a shader has no other form', () => {
    const variant = KERNELS.layernorm_forward.variant(DIMS, GPU);
    expect(shaderForm(variant, GPU)).toMatchObject({ constants: variant.overrides });
    expect(shaderForm(variant, GPU).sizes).toBeUndefined();
    expect(variant.wgsl).toBe('layernorm_forward_short');
    expect(shaderForm(variant, LAVAPIPE)).toEqual(shaderForm(variant, GPU));
  });

  it('leaves whatever does not change with the shape of a model the same for two of them', () => {
    const spread = { bias: 1, residual: 0, accumulate: 1 };
    const dims = { layernorm: DIMS, matmul: { M: 12, K: 8, N: 20, ...spread } };
    const others = { layernorm: { N: 9, C: 44, eps: 1e-6 }, matmul: { M: 24, K: 16, N: 36, ...spread } };
    const compiled = ({ layernorm, matmul }: typeof dims): unknown[] =>
      [
        KERNELS.layernorm_forward.variant(layernorm, LAVAPIPE),
        KERNELS.matmul_nn.variant(matmul, LAVAPIPE),
        KERNELS.matmul_tn.variant(matmul, LAVAPIPE),
      ].map((variant) => {
        const { text, constants } = shaderForm(variant, LAVAPIPE);
        return { text, constants };
      });
    expect(compiled(others)).toEqual(compiled(dims));
  });

  it('refuses a size that is missing or no whole number of 32 bits', () => {
    const launch = (overrides: Record<string, number>): unknown =>
      sizedForm({ wgsl: 'gelu_forward', overrides: { WG: 64, ...overrides }, workgroups: [1, 1, 1] });
    expect(() => launch({})).toThrow('gelu_forward is launched without L');
    expect(() => launch({ L: 2 ** 32 })).toThrow('L of gelu_forward is 4294967296');
    expect(() => launch({ L: 1.5 })).toThrow('L of gelu_forward is 1.5');
  });
});
