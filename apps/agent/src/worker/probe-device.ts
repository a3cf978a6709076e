import type { Clock } from '@millrace/core';
import { benchmarkBackend, selfTest, type WebGpuBackend } from '@millrace/runtime';
import { type DeviceReport, deviceKey } from './gpu-task';

/** Describes the device; measures and tests it unless `known` was measured on the same one. */
export async function probeDevice(
  backend: WebGpuBackend,
  known: DeviceReport | undefined,
  clock: Clock,
): Promise<DeviceReport> {
  if (known !== undefined && deviceKey(known.adapter, '') === deviceKey(backend.adapter, ''))
    return { ...known, adapter: backend.adapter };
  const results = await selfTest(backend);
  const quarantined = [...new Set(results.filter(({ ok }) => !ok).map(({ kernel }) => kernel))];
  return { adapter: backend.adapter, speed: await benchmarkBackend(backend, clock), quarantined };
}
