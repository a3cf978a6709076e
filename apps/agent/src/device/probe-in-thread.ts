import { type AppError, type Clock, within } from '@millrace/core';
import { fromThreadError } from '../worker/thread-error';
import type { DeviceReport } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';
import { probeLate } from './device.errors';

export interface ProbeOptions {
  readonly startThread: StartGpuThread;
  readonly clock: Clock;
  /** How long the driver may take to open its device, to compile the kernels of the self-test and to be measured. */
  readonly limitMs: number;
  readonly adapterName: string | undefined;
  /** What an earlier start measured. */
  readonly known: DeviceReport | undefined;
  /** Called while the device is open and holds memory. */
  readonly whileOpen: (report: DeviceReport) => Promise<void>;
}

/**
 * Opens the device on a thread of its own, which is gone when this settles.
 * @throws AppError RUNTIME.NO_ADAPTER, AGENT.DEVICE_PROBE_LATE, …
 */
export async function probeInThread({
  startThread,
  clock,
  limitMs,
  adapterName,
  known,
  whileOpen,
}: ProbeOptions): Promise<DeviceReport> {
  const device = { quarantined: [], ...(adapterName === undefined ? {} : { adapterName }) };
  let stop: () => Promise<void> = () => Promise.resolve();
  try {
    const work = new Promise<DeviceReport>((resolve, reject: (error: AppError) => void) => {
      const thread = startThread({ kind: 'probe', device, ...(known === undefined ? {} : { known }) }, (message) => {
        if (message.type === 'probed') resolve(message.report);
        if (message.type === 'failed') reject(fromThreadError(message.error));
      });
      stop = () => thread.stop();
    });
    const late = (): never => {
      throw probeLate(limitMs);
    };
    const report = await within(clock, limitMs, { work, late });
    await whileOpen(report);
    return report;
  } finally {
    await stop();
  }
}
