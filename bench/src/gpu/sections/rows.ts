import { KERNELS } from '@millrace/kernels';
import { bindKernel } from '../measure/bound-kernel';
import type { SectionContext } from '../gpu-section';

const PER_MS = 1e6;

/** Kernels that each read and write memory once, by the bytes of their tensors. */
export async function measureRows({ device, cases, time }: SectionContext): Promise<void> {
  for (const { name, kernel, dims } of cases.rows) {
    await device.measure({ name, unit: 'GB/s' }, async (backend) => {
      const { bound, release } = await bindKernel(backend, { kernel, dims });
      const { ms, rounds } = await time(backend, () => backend.run(bound));
      release();
      const { used } = backend.shaders(kernel, dims);
      return { ours: KERNELS[kernel].bytes(dims) / ms / PER_MS, detail: { ms, rounds, shader: used } };
    });
  }
}
