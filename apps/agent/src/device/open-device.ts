import { AppError, type Clock } from '@millrace/core';
import type { DeviceConfig } from '../config/agent-config';
import {
  applyEnvironment,
  mayHaveHardware,
  softwareDriverEnvironment,
  softwareThreads,
} from '../config/driver-environment';
import type { DeviceReport } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import { probeInThread } from './probe-in-thread';

/** A software driver on a busy machine compiles the kernels of the self-test for more than a minute. */
const PROBE_MS_MAX = 300_000;

interface OpenDeviceOptions {
  readonly startThread: StartGpuThread;
  readonly clock: Clock;
  /** See ProbeOptions. */
  readonly limitMs?: number;
  /** What an earlier start measured. */
  readonly known: DeviceReport | undefined;
  /** Called while the device is open and holds memory. */
  readonly whileOpen?: (report: DeviceReport) => Promise<void>;
}

/**
 * Opens a GPU if there is one, else the software driver. The variables count only if they are set before the driver is
 * loaded.
 */
export async function openDevice(
  config: DeviceConfig,
  { startThread, clock, limitMs = PROBE_MS_MAX, known, whileOpen = () => Promise.resolve() }: OpenDeviceOptions,
): Promise<DeviceReport> {
  applyEnvironment(softwareThreads(config.cpuThreads));
  const software = softwareDriverEnvironment();
  if (!mayHaveHardware()) applyEnvironment(software);
  const options = { startThread, clock, limitMs, adapterName: config.adapter, known, whileOpen };
  try {
    return await probeInThread(options);
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'RUNTIME.NO_ADAPTER') || !mayHaveHardware()) throw error;
    applyEnvironment(software);
    return probeInThread(options);
  }
}
