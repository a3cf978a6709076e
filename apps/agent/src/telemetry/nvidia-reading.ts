import type { NvidiaGpu, NvidiaSmiReport } from '@millrace/nvidia-smi-parser';
import type { DeviceSample } from './device-sample';

/** Which adapter the agent computes on, as far as it helps to find the same device elsewhere. */
export interface AdapterIdentity {
  readonly vendor: string;
  readonly device: string;
  readonly description: string;
  /** UUID or PCI address, where the settings name one. */
  readonly gpuId?: string | undefined;
}

const MIB = 1024 ** 2;

export function isNvidia({ vendor, description, device }: AdapterIdentity): boolean {
  return /nvidia/i.test(`${vendor} ${description} ${device}`);
}

/**
 * The GPU of a report that the agent computes on. WebGPU tells its name and no more, so among several of one name only
 * the settings can say which: without them it is undefined, since another GPU's values are worse than none.
 */
export function findNvidiaGpu(report: NvidiaSmiReport, adapter: AdapterIdentity): NvidiaGpu | undefined {
  const { gpus } = report;
  const { gpuId } = adapter;
  if (gpuId !== undefined) return gpus.find((gpu) => hasId(gpu, gpuId));
  const called = `${adapter.device} ${adapter.description}`.toLowerCase();
  const named = gpus.filter(({ name }) => name !== null && called.includes(name.toLowerCase()));
  // "RTX 3080" is part of "RTX 3080 Ti": the longest name that fits is meant.
  const longest = Math.max(...named.map(({ name }) => name?.length ?? 0));
  const candidates = named.length > 0 ? named.filter(({ name }) => name?.length === longest) : gpus;
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** nvidia-smi writes PCI addresses with eight digits of domain (00000000:3B:00.0), others with four. */
function hasId({ uuid, pciBusId }: NvidiaGpu, gpuId: string): boolean {
  const wanted = gpuId.toLowerCase();
  return uuid?.toLowerCase() === wanted || (pciBusId?.toLowerCase().endsWith(wanted) ?? false);
}

/** Of a GPU that is cut into MIG devices the whole one's load says nothing about the part that computes here. */
export function nvidiaSample(gpu: NvidiaGpu): DeviceSample {
  const whole = gpu.migModeEnabled !== true;
  return {
    source: 'nvidia-smi',
    modelName: gpu.name,
    uuid: gpu.uuid,
    utilizationPercent: whole ? gpu.utilizationGpuPercent : null,
    memoryUsedBytes: whole ? bytes(gpu.memoryUsedMiB) : null,
    memoryTotalBytes: whole ? bytes(gpu.memoryTotalMiB) : null,
    temperatureC: gpu.temperatureGpuC,
    powerW: gpu.powerDrawW,
    powerLimitW: gpu.powerLimitW,
    smClockMhz: gpu.clockSmMHz,
    memoryClockMhz: gpu.clockMemoryMHz,
  };
}

function bytes(mib: number | null): number | null {
  return mib === null ? null : mib * MIB;
}
