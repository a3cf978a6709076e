import { describe, expect, it } from 'vitest';
import { KERNELS, type KernelTarget } from '..';

const GPU: KernelTarget = {
  adapterClass: 'gpu',
  maxWorkgroupSize: 1024,
  maxWorkgroupsPerDimension: 65_535,
  workgroupBytesMax: 49_152,
  subgroups: true,
  subgroupSize: 32,
};

describe('rows', () => {
  const form = (C: number, target: KernelTarget, N = 64): string =>
    KERNELS.layernorm_backward_input.variant({ N, C }, target).wgsl.replace('layernorm_backward_input_', '');

  it.each([
    [768, GPU, 'short'],
    [1024, GPU, 'short'],
    [1028, GPU, 'middle'],
    [5120, GPU, 'middle'],
    [8192, GPU, 'long'],
    [253, GPU, 'short_odd'],
    [257, GPU, 'middle_odd'],
    [50_257, GPU, 'long_odd'],
    // Twice 2048 elements are all that a workgroup is sure of.
    [1920, { ...GPU, workgroupBytesMax: 16_384 }, 'middle'],
    [2048, { ...GPU, workgroupBytesMax: 16_384 }, 'long'],
  ])('of %i elements are %o: %s', (length, target, expected) => {
    expect(form(length, target)).toBe(expected);
  });

  it('are no short ones without subgroups of one size, and what the kind of device says', () => {
    const { subgroupSize: _, ...varying } = GPU;
    expect(form(64, varying)).toBe('middle');
    expect(form(64, { ...GPU, subgroups: false })).toBe('middle');
    expect(form(64, { ...GPU, rowThresholds: { shortMax: 32, middleMax: 48 } })).toBe('long');
  });

  it('are naive on software drivers, which compile the others for seconds', () => {
    const lavapipe: KernelTarget = { ...GPU, adapterClass: 'cpu', subgroupSize: 8 };
    for (const length of [61, 64, 260, 4096]) expect(form(length, lavapipe)).toBe('layernorm_backward_input');
  });

  it('are read in the same way however many there are', () => {
    for (const C of [3, 64, 700, 4096, 70_001]) {
      expect(new Set([1, 7, 8192, 200_000].map((N) => form(C, GPU, N))).size).toBe(1);
    }
  });

  it('share a subgroup if they are short', () => {
    const { overrides, workgroups } = KERNELS.rmsnorm_forward.variant({ N: 1000, C: 40, eps: 1e-6 }, GPU);
    // 10 packs: 16 lanes with one each, 8 rows a workgroup.
    expect(overrides).toMatchObject({ WG: 128, R: 16, K: 1 });
    expect(workgroups).toEqual([125, 1, 1]);
    const wide = KERNELS.cross_entropy_forward.variant({ N: 1000, V: 1000 }, GPU);
    expect(wide).toMatchObject({ overrides: { WG: 128, R: 32, K: 8 }, workgroups: [250, 1, 1] });
  });
});
