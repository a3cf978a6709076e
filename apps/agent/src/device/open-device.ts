import { AppError, type Clock } from '@millrace/core';
import type { AdapterDescription } from '@millrace/runtime';
import type { DeviceConfig } from '../config/agent-config';
import {
  applyEnvironment,
  mayHaveHardware,
  softwareDriverEnvironment,
  softwareThreads,
} from '../config/driver-environment';
import type { DeviceChoice, DeviceReport } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import { type ProbeOptions, probeInThread } from './probe-in-thread';

/** A software driver on a busy machine compiles the kernels of the self-test for more than a minute. */
const PROBE_MS_MAX = 300_000;

interface DescribeDeviceOptions {
  readonly startThread: StartGpuThread;
  readonly clock: Clock;
  /** How long all drivers that are tried may take together to open a device, to test it and to measure it. */
  readonly limitMs?: number;
  /** Whether it is worth asking for a GPU before the software driver. */
  readonly hasHardware?: boolean;
}

interface OpenDeviceOptions extends DescribeDeviceOptions {
  /** What an earlier start measured. */
  readonly known: DeviceReport | undefined;
  /** Called while the device is open and holds memory. */
  readonly whileOpen: (report: DeviceReport) => Promise<void>;
}

/** Opens a GPU if there is one, else the software driver; tests and measures it unless it is known. */
export function openDevice(
  config: DeviceConfig,
  { known, whileOpen, ...options }: OpenDeviceOptions,
): Promise<DeviceReport> {
  return probeDrivers<DeviceReport>(config, options, {
    task: { kind: 'probe', device: choice(config), ...(known === undefined ? {} : { known }) },
    result: (message) => (message.type === 'probed' ? message.report : undefined),
    whileOpen,
  });
}

/** Tells which device `openDevice` would open. It is neither tested nor measured, which takes a minute on some. */
export function describeDevice(config: DeviceConfig, options: DescribeDeviceOptions): Promise<AdapterDescription> {
  return probeDrivers<AdapterDescription>(config, options, {
    task: { kind: 'describe', device: choice(config) },
    result: (message) => (message.type === 'described' ? message.adapter : undefined),
  });
}

function choice({ adapter }: DeviceConfig): DeviceChoice {
  return { quarantined: [], ...(adapter === undefined ? {} : { adapterName: adapter }) };
}

/** The variables count only if they are set before the driver is loaded. */
async function probeDrivers<T>(
  config: DeviceConfig,
  { startThread, clock, limitMs = PROBE_MS_MAX, hasHardware = mayHaveHardware() }: DescribeDeviceOptions,
  probe: Pick<ProbeOptions<T>, 'task' | 'result' | 'whileOpen'>,
): Promise<T> {
  const limit = { limitMs, sinceMs: clock.monotonicMs() };
  const options: ProbeOptions<T> = { ...probe, startThread, clock, limit };
  applyEnvironment(softwareThreads(config.cpuThreads));
  const software = softwareDriverEnvironment();
  if (!hasHardware) applyEnvironment(software);
  try {
    return await probeInThread(options);
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'RUNTIME.NO_ADAPTER') || !hasHardware) throw error;
    applyEnvironment(software);
    return probeInThread(options);
  }
}
