import { TUNED_FORMS } from '@millrace/contracts';
import { type Dims, interchangeable, KERNELS, type Kernel, type KernelTarget } from '@millrace/kernels';
import { expect, it } from 'vitest';

const GPU: KernelTarget = {
  adapterClass: 'gpu',
  maxWorkgroupSize: 1024,
  maxWorkgroupsPerDimension: 65_535,
  workgroupBytesMax: 49_152,
  subgroups: true,
  subgroupSize: 32,
};

/** Large and small products, and rows of every length. */
const SHAPES: readonly Dims[] = [
  { M: 4096, K: 1024, N: 4096, P: 2, partK: 512 },
  { M: 64, K: 64, N: 64, P: 2, partK: 32 },
  ...[64, 4096, 40_000].map((length) => ({ N: 64, C: length, V: length, eps: 1e-5 })),
];

/** Every form that some shape may be tried with, of kernels that have several for one shape. */
function triedForms(kernel: Kernel): string[] {
  const forms = new Set<string>();
  for (const dims of SHAPES.filter((each) => 'M' in each === kernel.name.startsWith('matmul'))) {
    const naive = kernel.reference(dims, GPU).wgsl;
    const tried = interchangeable(kernel, dims, GPU).filter(({ wgsl }) => wgsl !== naive);
    if (tried.length > 1) for (const { form } of tried) forms.add(form!);
  }
  return [...forms].sort();
}

it('the forms that the API takes from agents are those that kernels have', () => {
  const several = Object.values(KERNELS).filter(({ variants }) => variants !== undefined);
  const tried = several.map((kernel) => [kernel.name, triedForms(kernel)] as const);
  const expected = Object.fromEntries(tried.filter(([, forms]) => forms.length > 0));
  const stated = Object.entries(TUNED_FORMS).map(([kernel, forms]) => [kernel, [...forms].sort()]);
  expect(Object.fromEntries(stated)).toEqual(expected);
});
