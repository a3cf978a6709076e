import type { Clock } from '@millrace/core';
import {
  benchmarkBackend,
  selfTest,
  type SelfTestResult,
  testedPrecisions,
  type WebGpuBackend,
} from '@millrace/runtime';
import { type DeviceReport, deviceKey } from './gpu-task';

/** So much memory tells the device apart from a GPU that a driver only looked at. */
const HELD_BYTES = 32 * 1024 ** 2;

/** Uses memory, so that others can see which GPU this process computes on. It is freed with the device. */
async function holdMemory(backend: WebGpuBackend): Promise<void> {
  const length = HELD_BYTES / Float32Array.BYTES_PER_ELEMENT;
  const held = backend.allocate({ name: 'held', shape: [length], dtype: 'f32', role: 'scratch' });
  backend.write(held, new Float32Array(length));
  await backend.finish();
}

/** Describes the device, and measures and tests it unless `known` was measured on the same device. */
export async function probeDevice(
  backend: WebGpuBackend,
  known: DeviceReport | undefined,
  clock: Clock,
): Promise<DeviceReport> {
  if (backend.adapter.adapterClass === 'gpu') await holdMemory(backend);
  if (known !== undefined && deviceKey(known.adapter, '') === deviceKey(backend.adapter, ''))
    return { ...known, adapter: backend.adapter };
  const results: SelfTestResult[] = [];
  for (const precision of testedPrecisions(backend.adapter)) results.push(...(await selfTest(backend, precision)));
  const quarantined = [...new Set(results.filter(({ ok }) => !ok).map(({ kernel }) => kernel))];
  return { adapter: backend.adapter, speed: await benchmarkBackend(backend, clock), quarantined };
}
