import type { Clock } from '@millrace/core';
import { describeAdapter, wantedLimits } from './describe-adapter';
import { WebGpuBackend } from './webgpu-backend';

/**
 * Opens Dawn's null device, which checks all that it is told and computes nothing: for rehearsals of sizes that no test
 * can compute. It has the least limits that WebGPU allows, and 512 MiB of memory.
 */
export async function openNullBackend(clock: Clock): Promise<WebGpuBackend> {
  const { create } = await import('webgpu');
  const gpu = create(['backend=null']);
  const adapter = (await gpu.requestAdapter())!;
  const requiredLimits = wantedLimits(adapter);
  const device = await adapter.requestDevice({ requiredFeatures: ['subgroups', 'shader-f16'], requiredLimits });
  return new WebGpuBackend({ gpu, device, adapter: describeAdapter(adapter), clock });
}
