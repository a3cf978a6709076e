import type { agentV1 } from '@millrace/contracts';

/** What a device did at one moment. Null is "unknown"; none of these is 0 unless 0 was read. */
export interface DeviceSample {
  readonly source: 'nvidia-smi' | 'drm' | 'host';
  /** The driver's name for the device. */
  readonly modelName: string | null;
  readonly uuid: string | null;
  readonly utilizationPercent: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
  readonly temperatureC: number | null;
  readonly powerW: number | null;
  readonly powerLimitW: number | null;
  readonly smClockMhz: number | null;
  readonly memoryClockMhz: number | null;
}

/** What the machine around it did. */
export interface HostSample {
  /** Mean of the last minute. */
  readonly loadAverage: number | null;
  readonly hostMemoryUsedBytes: number | null;
  readonly hostMemoryTotalBytes: number | null;
}

/** A device of which nothing is known. */
export const NOTHING_KNOWN: DeviceSample = {
  source: 'host',
  modelName: null,
  uuid: null,
  utilizationPercent: null,
  memoryUsedBytes: null,
  memoryTotalBytes: null,
  temperatureC: null,
  powerW: null,
  powerLimitW: null,
  smClockMhz: null,
  memoryClockMhz: null,
};

/** As it goes over the session: a field that is not there is unknown. `timeMs`: since 1970. */
export function telemetryMessage(device: DeviceSample, host: HostSample, timeMs: number): agentV1.DeviceTelemetry {
  return {
    timeMs,
    source: device.source,
    modelName: device.modelName ?? '',
    uuid: device.uuid ?? '',
    utilizationPercent: device.utilizationPercent ?? undefined,
    memoryUsedBytes: device.memoryUsedBytes ?? undefined,
    memoryTotalBytes: device.memoryTotalBytes ?? undefined,
    temperatureC: device.temperatureC ?? undefined,
    powerW: device.powerW ?? undefined,
    powerLimitW: device.powerLimitW ?? undefined,
    smClockMhz: device.smClockMhz ?? undefined,
    memoryClockMhz: device.memoryClockMhz ?? undefined,
    loadAverage: host.loadAverage ?? undefined,
    hostMemoryUsedBytes: host.hostMemoryUsedBytes ?? undefined,
    hostMemoryTotalBytes: host.hostMemoryTotalBytes ?? undefined,
  };
}
