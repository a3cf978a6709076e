import type { KernelTarget } from '@millrace/kernels';
import type { AdapterDescription } from '../adapter-description';

/** What the choice of a kernel's variant may depend on, of a device with all limits of its adapter. */
export function kernelTarget(
  adapter: Pick<AdapterDescription, 'adapterClass' | 'subgroupSize' | 'features' | 'limits'>,
): KernelTarget {
  const { adapterClass, subgroupSize, features, limits } = adapter;
  return {
    adapterClass,
    maxWorkgroupSize: Math.min(limits['maxComputeInvocationsPerWorkgroup']!, limits['maxComputeWorkgroupSizeX']!),
    maxWorkgroupsPerDimension: limits['maxComputeWorkgroupsPerDimension']!,
    workgroupBytesMax: limits['maxComputeWorkgroupStorageSize']!,
    subgroups: features.includes('subgroups'),
    ...(subgroupSize === null ? {} : { subgroupSize }),
  };
}
