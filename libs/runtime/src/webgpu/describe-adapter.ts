import type { AdapterDescription } from '../adapter-description';

const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|basic render/i;

/**
 * The limits that kernels and tensors run into. They are requested in full, since devices otherwise get small defaults.
 */
export const WANTED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

export function wantedLimits({ limits }: GPUAdapter): Record<string, number> {
  return Object.fromEntries(WANTED_LIMITS.map((name) => [name, limits[name]]));
}

/** Describes an adapter as plain data, to send to the API and to show. */
export function describeAdapter(adapter: GPUAdapter): AdapterDescription {
  const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } = adapter.info;
  const software = SOFTWARE.test(`${vendor} ${architecture} ${device} ${description}`);
  return {
    vendor,
    architecture,
    device,
    description,
    adapterClass: software ? 'cpu' : 'gpu',
    subgroupSize: subgroupMinSize !== undefined && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : null,
    features: [...adapter.features].sort(),
    limits: wantedLimits(adapter),
    // Dawn writes the driver's name and version after the device's name: "llvmpipe: Mesa 25.0.7 (LLVM 15.0.6) 0.0.1".
    driver: description.includes(': ') ? description.slice(description.indexOf(': ') + 2) : '',
  };
}
