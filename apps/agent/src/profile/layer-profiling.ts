import type { AgentMessageBody, agentV1, LayerTimes, LayerWork } from '@millrace/contracts';
import type { AppError, Clock } from '@millrace/core';
import type { DeviceChoice } from '../worker/gpu-task';
import type { GpuThread, StartGpuThread } from '../worker/gpu-thread';
import { fromThreadError, toThreadError } from '../worker/thread-error';
import type { FromWorker } from '../worker/worker-messages';
import { profilingLate } from './profile.errors';

export interface LayerProfilingOptions {
  readonly commandId: string;
  readonly work: LayerWork;
  readonly device: DeviceChoice;
  readonly startThread: StartGpuThread;
  readonly clock: Clock;
  readonly send: (body: AgentMessageBody) => void;
  readonly onMessage: (message: FromWorker) => void;
}

/** A measurement takes a hundredth of this. */
const DURATION_MS_MAX = 300_000;

/** One measurement of layers on a GPU thread of its own. It tells once how it ended, and holds no device after that. */
export class LayerProfiling {
  private thread: GpuThread | undefined;
  private told = false;
  private cancelLimit: () => void = () => undefined;

  constructor(private readonly options: LayerProfilingOptions) {}

  /** `after` resolves when whatever used the device before has ended. */
  begin(after: Promise<void>): void {
    const { device, work, startThread, clock, onMessage } = this.options;
    void after.then(() => {
      if (this.told) return;
      this.thread = startThread({ kind: 'profile', device, work }, onMessage);
      this.cancelLimit = clock.after(DURATION_MS_MAX, () =>
        onMessage({ type: 'failed', error: toThreadError(profilingLate(DURATION_MS_MAX)) }),
      );
    });
  }

  get isOver(): boolean {
    return this.told;
  }

  handle(message: FromWorker): void {
    if (message.type === 'profiled') this.tell({ layers: message.layers });
    if (message.type === 'failed') this.tell({ error: fromThreadError(message.error) });
  }

  /** Ends the thread, after its result or before it could give one; resolves when the device is free. */
  async end(error: AppError): Promise<void> {
    this.tell({ error });
    await this.thread?.stop();
  }

  private tell({ layers, error }: { readonly layers?: LayerTimes; readonly error?: AppError }): void {
    if (this.told) return;
    this.told = true;
    this.cancelLimit();
    const { commandId, send } = this.options;
    const value: agentV1.LayerProfile = {
      commandId,
      embedding: layers && seconds(layers.embedding),
      block: layers && seconds(layers.block),
      head: layers && seconds(layers.head),
      errorMessage: error?.message ?? '',
    };
    send({ $case: 'layerProfile', value });
  }
}

function seconds({ F, I, W }: LayerTimes['block']): agentV1.LayerSeconds {
  return { forward: F, backwardInput: I, backwardWeight: W };
}
