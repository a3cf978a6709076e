import { kernelChoices, type KernelTarget, NO_CHOICES, type Operation, type Program } from '@millrace/kernels';
import { describe, expect, it } from 'vitest';
import { scratchBytes, SCRATCH_BYTES_MAX, type CaseOptions, tuningCases } from './tuning-cases';
import { KERNELS } from '@millrace/kernels';

const TARGET: KernelTarget = {
  adapterClass: 'gpu',
  maxWorkgroupSize: 1024,
  maxWorkgroupsPerDimension: 65_535,
  workgroupBytesMax: 49_152,
  subgroups: true,
  subgroupSize: 32,
};
const OPTIONS: CaseOptions = {
  target: TARGET,
  bindingBytesMax: 2 ** 31 - 4,
  speed: { matmulGflops: 20_000, memoryGBps: 1000 },
  known: NO_CHOICES,
  avoided: new Set(),
};

function product(M: number, K: number, N: number): { tensors: Program['tensors']; step: Operation } {
  const name = (letters: string): string => `${letters} ${M} ${K} ${N}`;
  const tensor = (letters: string, shape: number[]) =>
    ({ name: name(letters), shape, dtype: 'f32', role: 'scratch' }) as const;
  return {
    tensors: [tensor('a', [M, K]), tensor('b', [N, K]), tensor('c', [M, N])],
    step: {
      kernel: 'matmul_nt',
      dims: { M, K, N, residual: 0, accumulate: 0 },
      tensors: { a_MK: name('a'), b_NK: name('b'), residual_MN: name('a'), c_MN: name('c') },
    },
  };
}

function programOf(...products: { tensors: Program['tensors']; step: Operation }[]): Program {
  const gelu: Operation = { kernel: 'gelu_forward', dims: { L: 64 }, tensors: { x_L: 'x', y_L: 'y' } };
  const own = ['x', 'y'].map((name) => ({ name, shape: [64], dtype: 'f32', role: 'scratch' }) as const);
  const tensors = new Map([...own, ...products.flatMap(({ tensors }) => tensors)].map((each) => [each.name, each]));
  return { name: 'test', tensors: [...tensors.values()], steps: [gelu, ...products.map(({ step }) => step)] };
}

const SMALL = product(2048, 768, 2304);
const LARGE = product(4096, 1024, 4096);

describe('the cases of programs', () => {
  it('are what has several variants of equal bits, what takes longest first, and no naive ones', () => {
    const cases = tuningCases([programOf(SMALL, LARGE)], OPTIONS);
    expect(cases.map(({ kernel, bucket }) => `${kernel} ${bucket}`)).toEqual([
      'matmul_nt K10 M12 N12',
      'matmul_nt K10 M11 N12',
    ]);
    expect(cases[0]!.variants.map(({ form }) => form)).toEqual(['128x128', 'tile', 'workgroup', '128x64', '64x64']);
  });

  it('count every operation of a bucket, and are tried on the largest', () => {
    const cases = tuningCases([programOf(SMALL, product(2000, 768, 2304)), programOf(SMALL)], OPTIONS);
    expect(cases.map(({ dims }) => dims['M'])).toEqual([2048]);
    const often = tuningCases([programOf(LARGE, ...Array<typeof SMALL>(8).fill(SMALL))], OPTIONS);
    expect(often.map(({ bucket }) => bucket)).toEqual(['K10 M11 N12', 'K10 M12 N12']);
  });

  it('leave out what is known and what is avoided', () => {
    const known = kernelChoices([{ kernel: 'matmul_nt', bucket: 'K10 M12 N12', form: 'tile' }]);
    expect(tuningCases([programOf(SMALL, LARGE)], { ...OPTIONS, known }).map(({ bucket }) => bucket)).toEqual([
      'K10 M11 N12',
    ]);
    expect(tuningCases([programOf(SMALL)], { ...OPTIONS, avoided: new Set(['matmul_nt']) })).toEqual([]);
  });

  it('are tried on smaller shapes where a device takes long or memory would be large, in whole vectors', () => {
    const slow = { matmulGflops: 500, memoryGBps: 50 };
    const [tried] = tuningCases([programOf(LARGE)], { ...OPTIONS, speed: slow });
    expect(tried).toMatchObject({ bucket: 'K10 M12 N12' });
    const { M, K, N } = tried!.dims as { M: number; K: number; N: number };
    expect((2 * M * K * N) / slow.matmulGflops / 1e6).toBeLessThan(20);
    expect([K, M % 4, N % 4]).toEqual([1024, 0, 0]);
    const [head] = tuningCases([programOf(product(8192, 4096, 128_256))], OPTIONS);
    const { readBytes, writeBytes } = scratchBytes(KERNELS.matmul_nt, head!.dims);
    expect(Math.max(readBytes, writeBytes)).toBeLessThanOrEqual(SCRATCH_BYTES_MAX);
  });

  it('are none on software drivers, whose products add by fours', () => {
    const target: KernelTarget = { ...TARGET, adapterClass: 'cpu', subgroupSize: 8 };
    expect(tuningCases([programOf(SMALL)], { ...OPTIONS, target })).toEqual([]);
  });
});
