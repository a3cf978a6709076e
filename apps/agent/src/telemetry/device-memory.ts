import { totalmem } from 'node:os';
import type { AdapterDescription } from '@millrace/runtime';
import { queryNvidiaSmi, type SpawnCommand } from '@millrace/nvidia-smi-parser';
import { readDrm } from './drm-reading';
import { type AdapterIdentity, findNvidiaGpu, isNvidia, nvidiaSample } from './nvidia-reading';

export interface DeviceMemoryOptions {
  readonly adapter: AdapterIdentity & Pick<AdapterDescription, 'adapterClass'>;
  /** The folder to read; tests give another one. */
  readonly drmFolder?: string;
  readonly spawn?: SpawnCommand;
  readonly hostBytes?: number;
}

/** Apple's GPUs work in the machine's memory. */
const UNIFIED = /apple/i;

/**
 * Bytes of the device's memory, or undefined if no source tells. WebGPU tells only the largest buffer, which is mostly
 * a fraction of the memory and may even be larger.
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
