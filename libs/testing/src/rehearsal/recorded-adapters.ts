import type { AdapterLimits } from '@millrace/runtime';

const KIB = 1024;
const MIB = KIB ** 2;
const GIB = KIB ** 3;

interface Recorded {
  readonly bindingBytes: number;
  readonly bufferBytes: number;
  readonly workgroupBytes: number;
  readonly invocations: number;
  readonly storageBuffers: number;
  readonly subgroupSize: number | null;
}

function gpu(recorded: Recorded): AdapterLimits {
  const { bindingBytes, bufferBytes, workgroupBytes, invocations, storageBuffers, subgroupSize } = recorded;
  return {
    adapterClass: 'gpu',
    subgroupSize,
    features: ['subgroups', 'timestamp-query'],
    limits: {
      maxStorageBufferBindingSize: bindingBytes,
      maxBufferSize: bufferBytes,
      maxComputeWorkgroupStorageSize: workgroupBytes,
      maxComputeInvocationsPerWorkgroup: invocations,
      maxComputeWorkgroupSizeX: invocations,
      maxComputeWorkgroupSizeY: invocations,
      maxComputeWorkgroupSizeZ: 64,
      maxComputeWorkgroupsPerDimension: 65_535,
      maxStorageBuffersPerShaderStage: storageBuffers,
    },
  };
}

/**
 * What adapters of each vendor tell Dawn. Where reports differ it is the least of them: a program that fits here fits a
 * better one. Subgroups of AMD and Intel have several sizes; Dawn caps the bindings of Vulkan at 2 GiB less one word.
 */
export const RECORDED_ADAPTERS: Readonly<Record<string, AdapterLimits>> = {
  NVIDIA: gpu({
    bindingBytes: 2 * GIB - 4,
    bufferBytes: 4 * GIB - 4,
    workgroupBytes: 48 * KIB,
    invocations: 1024,
    storageBuffers: 16,
    subgroupSize: 32,
  }),
  AMD: gpu({
    bindingBytes: 2 * GIB - 4,
    bufferBytes: 2 * GIB,
    workgroupBytes: 32 * KIB,
    invocations: 1024,
    storageBuffers: 16,
    subgroupSize: null,
  }),
  Intel: gpu({
    bindingBytes: GIB,
    bufferBytes: GIB,
    workgroupBytes: 32 * KIB,
    invocations: 1024,
    storageBuffers: 16,
    subgroupSize: null,
  }),
  Apple: gpu({
    bindingBytes: 2 * GIB - 4,
    bufferBytes: 4 * GIB - 4,
    workgroupBytes: 32 * KIB,
    invocations: 1024,
    storageBuffers: 10,
    subgroupSize: 32,
  }),
};

/** The least limits of WebGPU, which Dawn's null device has. */
export const LEAST_ADAPTER: AdapterLimits = gpu({
  bindingBytes: 128 * MIB,
  bufferBytes: 256 * MIB,
  workgroupBytes: 16 * KIB,
  invocations: 256,
  storageBuffers: 8,
  subgroupSize: null,
});
