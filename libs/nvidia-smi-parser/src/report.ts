import type { NvidiaGpu } from './nvidia-gpu';

/** What one run of nvidia-smi said. Null stands for "not said", "not supported" and "not understood"; never 0. */
export interface NvidiaSmiReport extends NvidiaSmiHost {
  readonly format: 'xml' | 'csv';
  /** In the order of the output. Tell them apart by `uuid`: the order may change when the machine starts again. */
  readonly gpus: readonly NvidiaGpu[];
  /** What was odd but harmed no value: text around the XML, bytes that are not UTF-8, a last line without its end. */
  readonly warnings: readonly string[];
}

export interface NvidiaSmiHost {
  /** As printed: local time of the machine, without a zone. */
  readonly timestamp: string | null;
  readonly driverVersion: string | null;
  /** The newest CUDA that the driver supports; null from old drivers and in CSV. */
  readonly cudaVersion: string | null;
  /** GPUs in the machine. More than `gpus.length` when the command was asked for some of them only (`-i`). */
  readonly attachedGpuCount: number | null;
}

/** The GPUs of a report by UUID. One without a UUID is left out; of two that claim the same one, the first stays. */
export function gpusByUuid(report: NvidiaSmiReport): ReadonlyMap<string, NvidiaGpu> {
  const found = new Map<string, NvidiaGpu>();
  for (const gpu of report.gpus) {
    if (gpu.uuid !== null && !found.has(gpu.uuid)) found.set(gpu.uuid, gpu);
  }
  return found;
}
