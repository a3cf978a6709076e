import { KERNELS } from '@millrace/kernels';
import type { WebGpuBackend } from '@millrace/runtime';
import { bindKernel } from '../measure/bound-kernel';
import type { SectionContext } from '../gpu-section';

export const COPY = 'copy';
export const ARITHMETIC = 'f32 multiplications and additions';

const PER_MS = 1e6;

/** What the adapter reaches at most: bytes that a copy reads and writes, operations of chains in registers. */
export async function measureCeilings(context: SectionContext): Promise<void> {
  const { device } = context;
  await device.measure({ name: COPY, unit: 'GB/s' }, async (backend) => ({ ours: await copySpeed(backend, context) }));
  await device.measure({ name: ARITHMETIC, unit: 'GFLOP/s' }, async (backend) => ({
    ours: await arithmeticSpeed(backend, context),
  }));
}

async function copySpeed(backend: WebGpuBackend, { time, cases }: SectionContext): Promise<number> {
  const shape = [cases.copyBytes / 4];
  const [from, to] = ['from', 'to'].map((name) => {
    return backend.allocate({ name, shape, dtype: 'f32', role: 'scratch' });
  });
  const { ms } = await time(backend, () => backend.copy(from!, to!));
  for (const tensor of [from!, to!]) backend.release(tensor);
  return (2 * cases.copyBytes) / ms / PER_MS;
}

async function arithmeticSpeed(backend: WebGpuBackend, { time, cases }: SectionContext): Promise<number> {
  const dims = { L: cases.arithmetic.elements, R: cases.arithmetic.steps };
  const { bound, release } = await bindKernel(backend, { kernel: 'multiply_add', dims });
  const { ms } = await time(backend, () => backend.run(bound));
  release();
  return KERNELS.multiply_add.flops(dims) / ms / PER_MS;
}
