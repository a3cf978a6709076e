import type { agentV1 } from '@millrace/contracts';

/** What a device did at one moment. Null means unknown; a value is 0 only if 0 was read. */
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

/** What the machine around the device did. */
export interface HostSample {
  /** The mean of the last minute. */
  readonly loadAverage: number | null;
  readonly hostMemoryUsedBytes: number | null;
  readonly hostMemoryTotalBytes: number | null;
}

/** The sample of a device about which nothing is known. */
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

/** The sample as a message of the session, in which a field that is left out is unknown. `timeMs` counts from 1970. */
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
