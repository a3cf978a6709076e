import type { agentV1 } from '@millrace/contracts';
import type { Clock, Logger } from '@millrace/core';
import { type NvidiaSmiReport, type SpawnCommand, watchNvidiaSmi } from '@millrace/nvidia-smi-parser';
import { type DeviceSample, NOTHING_KNOWN, telemetryMessage } from './device-sample';
import { readDrm } from './drm-reading';
import { CpuUtilization, readHost } from './host-reading';
import { type AdapterIdentity, findNvidiaGpu, isNvidia, nvidiaSample } from './nvidia-reading';

/** Where the agent's loop gets its telemetry from. */
export interface TelemetrySource {
  /** From now on `onSample` is called every few seconds, until `stop`. */
  start(onSample: (sample: agentV1.DeviceTelemetry) => void): void;
  stop(): void;
}

export interface DeviceTelemetryOptions {
  readonly adapter: AdapterIdentity & { readonly adapterClass: 'cpu' | 'gpu' };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs?: number;
  /** Others than the machine's own are for tests. */
  readonly drmFolder?: string;
  readonly spawn?: SpawnCommand;
}

const INTERVAL_MS = 5_000;
/** What nvidia-smi said longer ago than so many intervals is not "now" any more. */
const STALE_INTERVALS = 3;

interface NvidiaReading {
  readonly report: NvidiaSmiReport;
  readonly atMs: number;
}

/** Reads the device with nvidia-smi if it is NVIDIA's and the command is there, else what Linux offers. */
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
        if (!this.complained) logger.warn({ code: error.code }, `nvidia-smi tells nothing: ${error.message}`);
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
    // A software driver's device is the processor with the machine's memory.
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
