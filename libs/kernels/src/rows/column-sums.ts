import type { Dims, KernelTarget, KernelVariant } from '../kernel';
import { linearWorkgroups } from '../launch';

/** Invocations of a workgroup of the shaders named `<kernel>_workgroup`, and the columns that it adds up. */
const WORKGROUP_SIZE = 256;
const COLUMNS = 8;

/**
 * Sums over the rows of a matrix by workgroups of 8 columns, 32 rows side by side; undefined where the naive form is
 * used, which is a column per invocation: software drivers, and workgroups too small.
 */
export function columnVariant(
  kernel: string,
  { overrides, columns }: { readonly overrides: Dims; readonly columns: number },
  target: KernelTarget,
): KernelVariant | undefined {
  if (target.adapterClass === 'cpu' || target.maxWorkgroupSize < WORKGROUP_SIZE) return undefined;
  const workgroups = linearWorkgroups(Math.ceil(columns / COLUMNS), target);
  return { wgsl: `${kernel}_workgroup`, overrides, workgroups };
}
