import { totalmem } from 'node:os';
import type { AdapterDescription } from '@millrace/runtime';
import { queryNvidiaSmi, type SpawnCommand } from '@millrace/nvidia-smi-parser';
import { readDrm } from './drm-reading';
import { type AdapterIdentity, findNvidiaGpu, isNvidia, nvidiaSample } from './nvidia-reading';

export interface DeviceMemoryOptions {
  readonly adapter: AdapterIdentity & Pick<AdapterDescription, 'adapterClass'>;
  /** Others than the machine's own are for tests. */
  readonly drmFolder?: string;
  readonly spawn?: SpawnCommand;
  readonly hostBytes?: number;
}

/** Apple's GPUs work in the machine's memory. */
const UNIFIED = /apple/i;

/**
 * Bytes of memory of the device, or undefined where nobody says: WebGPU does not, and the largest buffer, which it does
 * tell, may be larger than the memory and is mostly a fraction of it.
 */
export async function deviceMemoryBytes(options: DeviceMemoryOptions): Promise<number | undefined> {
  const { adapter, drmFolder, spawn, hostBytes = totalmem() } = options;
  if (adapter.adapterClass === 'cpu' || UNIFIED.test(adapter.vendor)) return hostBytes;
  if (isNvidia(adapter)) {
    const report = await queryNvidiaSmi(spawn === undefined ? {} : { spawn }).catch(() => undefined);
    const gpu = report && findNvidiaGpu(report, adapter);
    const bytes = gpu && nvidiaSample(gpu).memoryTotalBytes;
    if (bytes) return bytes;
  }
  return (await readDrm(adapter, drmFolder))?.memoryTotalBytes ?? undefined;
}
