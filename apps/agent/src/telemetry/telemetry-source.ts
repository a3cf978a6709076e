import type { agentV1 } from '@millrace/contracts';
import type { Clock, Logger } from '@millrace/core';
import { type NvidiaSmiReport, type SpawnCommand, watchNvidiaSmi } from '@millrace/nvidia-smi-parser';
import { type DeviceSample, NOTHING_KNOWN, telemetryMessage } from './device-sample';
import { readDrm } from './drm-reading';
import { CpuUtilization, readHost } from './host-reading';
import { type AdapterIdentity, findNvidiaGpu, isNvidia, nvidiaSample } from './nvidia-reading';

/** The source of telemetry for the agent's loop. */
export interface TelemetrySource {
  /** Calls `onSample` every few seconds from now on, until `stop`. */
  start(onSample: (sample: agentV1.DeviceTelemetry) => void): void;
  stop(): void;
}

export interface DeviceTelemetryOptions {
  readonly adapter: AdapterIdentity & { readonly adapterClass: 'cpu' | 'gpu' };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs?: number;
  /** The folder to read; tests give another one. */
  readonly drmFolder?: string;
  readonly spawn?: SpawnCommand;
}

const INTERVAL_MS = 5_000;
/** What nvidia-smi said more than so many intervals ago does not count any more. */
const STALE_INTERVALS = 3;

interface NvidiaReading {
  readonly report: NvidiaSmiReport;
  readonly atMs: number;
}

/** Reads the device with nvidia-smi if it is NVIDIA's and the command exists, else from what Linux offers. */
export class DeviceTelemetrySource implements TelemetrySource {
  private readonly cpu = new CpuUtilization();
  private readonly stopping = new AbortController();
  private readonly intervalMs: number;
  private nvidia: NvidiaReading | undefined;
  private cancel: () => void = () => undefined;
  private complained = false;

  constructor(private readonly options: DeviceTelemetryOptions) {
    this.intervalMs = options.intervalMs ?? INTERVAL_MS;
  }

  start(onSample: (sample: agentV1.DeviceTelemetry) => void): void {
    const { adapter } = this.options;
    if (adapter.adapterClass === 'gpu' && isNvidia(adapter)) this.watchNvidia();
    void this.sample(onSample);
  }

  stop(): void {
    this.cancel();
    this.stopping.abort();
  }

  private watchNvidia(): void {
    const { clock, logger, spawn } = this.options;
    void watchNvidiaSmi({
      intervalMs: this.intervalMs,
      signal: this.stopping.signal,
      ...(spawn === undefined ? {} : { spawn }),
      onReport: (report) => (this.nvidia = { report, atMs: clock.monotonicMs() }),
      onError: (error) => {
        if (!this.complained) logger.warn({ code: error.code }, `nvidia-smi cannot be read: ${error.message}`);
        this.complained = true;
      },
    });
  }

  private async sample(onSample: (sample: agentV1.DeviceTelemetry) => void): Promise<void> {
    const { clock } = this.options;
    const device = await this.device();
    if (this.stopping.signal.aborted) return;
    onSample(telemetryMessage(device, readHost(), clock.now()));
    this.cancel = clock.after(this.intervalMs, () => void this.sample(onSample));
  }

  private async device(): Promise<DeviceSample> {
    const { adapter, clock, drmFolder } = this.options;
    // The device of a software driver is the processor, with the machine's memory.
    if (adapter.adapterClass === 'cpu') return this.processor();
    const { nvidia } = this;
    if (nvidia !== undefined && clock.monotonicMs() - nvidia.atMs < STALE_INTERVALS * this.intervalMs) {
      const gpu = findNvidiaGpu(nvidia.report, adapter);
      if (gpu !== undefined) return nvidiaSample(gpu);
    }
    return (await readDrm(adapter, drmFolder)) ?? NOTHING_KNOWN;
  }

  private processor(): DeviceSample {
    const { hostMemoryUsedBytes, hostMemoryTotalBytes } = readHost();
    return {
      ...NOTHING_KNOWN,
      modelName: this.options.adapter.device || null,
      utilizationPercent: this.cpu.percent(),
      memoryUsedBytes: hostMemoryUsedBytes,
      memoryTotalBytes: hostMemoryTotalBytes,
    };
  }
}
