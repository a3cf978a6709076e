import { type AppError } from '@millrace/core';
import { fromThreadError } from '../worker/thread-error';
import type { DeviceReport } from '../worker/gpu-task';
import type { StartGpuThread } from '../worker/gpu-thread';

export interface ProbeOptions {
  readonly startThread: StartGpuThread;
  readonly adapterName: string | undefined;
  /** What an earlier start measured. */
  readonly known: DeviceReport | undefined;
  /** Called while the device is open and holds memory. */
  readonly whileOpen: (report: DeviceReport) => Promise<void>;
}

/**
 * Opens and probes the device on a thread of its own, which has ended when this resolves. Errors: RUNTIME.NO_ADAPTER …
 */
export async function probeInThread({
  startThread,
  adapterName,
  known,
  whileOpen,
}: ProbeOptions): Promise<DeviceReport> {
  const device = { quarantined: [], ...(adapterName === undefined ? {} : { adapterName }) };
  let stop: () => Promise<void> = () => Promise.resolve();
  try {
    const report = await new Promise<DeviceReport>((resolve, reject: (error: AppError) => void) => {
      const thread = startThread({ kind: 'probe', device, ...(known === undefined ? {} : { known }) }, (message) => {
        if (message.type === 'probed') resolve(message.report);
        if (message.type === 'failed') reject(fromThreadError(message.error));
      });
      stop = () => thread.stop();
    });
    await whileOpen(report);
    return report;
  } finally {
    await stop();
  }
}
