import type { NvidiaGpu, NvidiaSmiReport } from '@millrace/nvidia-smi-parser';
import type { DeviceSample } from './device-sample';

/** What is known of the adapter that the agent computes on, to find the same device in other sources. */
export interface AdapterIdentity {
  readonly vendor: string;
  readonly device: string;
  readonly description: string;
  /** UUID or PCI address, if the settings give one. */
  readonly gpuId?: string | undefined;
}

const MIB = 1024 ** 2;

export function isNvidia({ vendor, description, device }: AdapterIdentity): boolean {
  return /nvidia/i.test(`${vendor} ${description} ${device}`);
}

/**
 * Finds the GPU in a report that the agent computes on. WebGPU tells only its name, so that among several GPUs of that
 * name only the settings can say which one it is. Without them the result is undefined: another GPU's values would be
 * worse than none.
 */
export function findNvidiaGpu(report: NvidiaSmiReport, adapter: AdapterIdentity): NvidiaGpu | undefined {
  const { gpus } = report;
  const { gpuId } = adapter;
  if (gpuId !== undefined) return gpus.find((gpu) => hasId(gpu, gpuId));
  const called = `${adapter.device} ${adapter.description}`.toLowerCase();
  const named = gpus.filter(({ name }) => name !== null && called.includes(name.toLowerCase()));
  // "RTX 3080" is part of "RTX 3080 Ti", so that the longest name that fits is the right one.
  const longest = Math.max(...named.map(({ name }) => name?.length ?? 0));
  const candidates = named.length > 0 ? named.filter(({ name }) => name?.length === longest) : gpus;
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** nvidia-smi writes a PCI address with eight digits of domain (00000000:3B:00.0), others write four. */
function hasId({ uuid, pciBusId }: NvidiaGpu, gpuId: string): boolean {
  const wanted = gpuId.toLowerCase();
  return uuid?.toLowerCase() === wanted || (pciBusId?.toLowerCase().endsWith(wanted) ?? false);
}

/** The sample of a GPU. If it is cut into MIG devices, its load says nothing about the part that computes here. */
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
