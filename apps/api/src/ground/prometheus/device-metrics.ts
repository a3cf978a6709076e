import type { DeviceTelemetryBody } from '@millrace/contracts';
import { Gauge, type Registry } from 'prom-client';

/** One device as its agent last reported it. */
export interface ObservedDevice {
  readonly host: string;
  readonly device: number;
  /** Milliseconds since the agent was last heard. */
  readonly silentMs: number;
  /** Undefined when the last telemetry is too old to count as current. */
  readonly telemetry: DeviceTelemetryBody | undefined;
}

type DeviceGauge = readonly [name: string, help: string, value: (telemetry: DeviceTelemetryBody) => number | null];
const MHZ = 1e6;

/** Named after DCGM's fields (GPU_UTIL, FB_USED, GPU_TEMP …), in Prometheus's base units. */
const DEVICE_GAUGES: readonly DeviceGauge[] = [
  ['gpu_util_ratio', 'How busy the device is, 0 to 1.', (each) => scaled(each.utilizationPercent, 0.01)],
  [
    'fb_used_bytes',
    "Memory of the device that is used; of a software driver the host's.",
    (each) => each.memoryUsedBytes,
  ],
  ['fb_total_bytes', 'Memory of the device.', (each) => each.memoryTotalBytes],
  ['gpu_temp_celsius', 'Temperature of the device.', (each) => each.temperatureC],
  ['power_usage_watts', 'Power the device draws.', (each) => each.powerW],
  ['power_limit_watts', 'Power the device may draw.', (each) => each.powerLimitW],
  ['sm_clock_hertz', "Clock of the device's processors.", (each) => scaled(each.smClockMhz, MHZ)],
  ['mem_clock_hertz', "Clock of the device's memory.", (each) => scaled(each.memoryClockMhz, MHZ)],
];
const HOST_GAUGES: readonly DeviceGauge[] = [
  ['load_average', 'Processes that run or want to, mean of the last minute.', (each) => each.loadAverage],
  ['memory_used_bytes', "The host's memory that is used.", (each) => each.hostMemoryUsedBytes],
  ['memory_total_bytes', "The host's memory.", (each) => each.hostMemoryTotalBytes],
];

/** Gauges of devices and hosts, by host and device; an unknown value has no sample. */
export class DeviceMetrics {
  private readonly devices: readonly (readonly [Gauge<'host' | 'device'>, DeviceGauge])[];
  private readonly hosts: readonly (readonly [Gauge<'host'>, DeviceGauge])[];
  private readonly info: Gauge<'host' | 'device' | 'model_name' | 'uuid' | 'source'>;
  private readonly age: Gauge<'host' | 'device'>;

  constructor(register: Registry) {
    const registers = [register];
    const labelNames = ['host', 'device'] as const;
    this.devices = DEVICE_GAUGES.map((each) => [
      new Gauge({ name: `millrace_device_${each[0]}`, help: each[1], labelNames, registers }),
      each,
    ]);
    this.hosts = HOST_GAUGES.map((each) => [
      new Gauge({ name: `millrace_host_${each[0]}`, help: each[1], labelNames: ['host'], registers }),
      each,
    ]);
    this.info = new Gauge({
      name: 'millrace_device_info',
      help: 'Always 1; which device it is, to join with the others.',
      labelNames: ['host', 'device', 'model_name', 'uuid', 'source'],
      registers,
    });
    this.age = new Gauge({
      name: 'millrace_agent_heartbeat_age_seconds',
      help: 'Time since an agent that holds a session was last heard of.',
      labelNames,
      registers,
    });
  }

  /** Replaces what was shown before: a device that is gone must not be shown for ever. */
  show(observed: readonly ObservedDevice[]): void {
    for (const gauge of [this.info, this.age, ...[...this.devices, ...this.hosts].map(([each]) => each)]) gauge.reset();
    for (const { host, device, silentMs, telemetry } of observed) {
      const labels = { host, device: String(device) };
      this.age.set(labels, silentMs / 1000);
      if (telemetry === undefined) continue;
      const { modelName, uuid, source } = telemetry;
      this.info.set({ ...labels, model_name: modelName ?? '', uuid: uuid ?? '', source }, 1);
      for (const [gauge, [, , value]] of this.devices) setKnown(gauge, labels, value(telemetry));
      for (const [gauge, [, , value]] of this.hosts) setKnown(gauge, { host }, value(telemetry));
    }
  }
}

function setKnown<L extends string>(gauge: Gauge<L>, labels: Record<L, string>, value: number | null): void {
  if (value !== null) gauge.set(labels, value);
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}
