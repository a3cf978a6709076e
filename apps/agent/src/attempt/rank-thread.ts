import { type AppError, type Clock, within } from '@millrace/core';
import type { ManifestTensor } from '@millrace/checkpoint';
import type { AttemptLinks, AttemptLinksOptions } from '../data-plane/attempt-links';
import type { DataPlane } from '../data-plane/data-plane';
import { type DeliveredFrame, FRAME_HEADER_BYTES_MAX } from '../data-plane/link/incoming-link';
import type { MeasuredLink } from '../data-plane/link/measure-link';
import type { BoundaryWishes } from '../stage/stage-ports';
import type { GpuTask } from '../worker/gpu-task';
import type { GpuThread, StartGpuThread } from '../worker/gpu-thread';
import { toThreadError } from '../worker/thread-error';
import type { FromWorker, ToWorker } from '../worker/worker-messages';

export interface RankThreadOptions {
  readonly dataPlane: DataPlane;
  readonly startThread: StartGpuThread;
  readonly clock: Clock;
  readonly links: Pick<
    AttemptLinksOptions,
    | 'runId'
    | 'fence'
    | 'key'
    | 'credential'
    | 'rank'
    | 'peers'
    | 'bounds'
    | 'firstAcceptMs'
    | 'lostAfterMs'
    | 'transient'
  >;
  /** Reads a tensor of the plan's manifest. */
  readonly weight: (name: string, kind: ManifestTensor['kind']) => Promise<Float32Array | undefined>;
  /** Receives the messages that are not about frames or weights. */
  readonly onMessage: (message: FromWorker) => void;
  readonly onPeerDead: (rank: number, error: AppError) => void;
}

/** How long a finished rank waits for its peers to take what it sent. */
const DRAIN_MS_MAX = 30_000;

/** Connects a GPU thread to the links of its rank: frames pass through, everything else goes to the owner. */
export class RankThread {
  private readonly links: AttemptLinks;
  private thread: GpuThread | undefined;
  /** Frames that came before the thread was started; the links' credits bound them. */
  private early: DeliveredFrame[] = [];
  private boundary: BoundaryWishes = { checkpoint: false, stop: false, stopAtCheckpoint: false };
  private ended: Promise<void> | undefined;

  /** Accepts the peers' streams from now on; `start` starts the thread. */
  constructor(private readonly options: RankThreadOptions) {
    this.links = options.dataPlane.open({
      ...options.links,
      onFrame: (delivered) => this.forward(delivered),
      onPeerDead: (rank, error) => {
        this.thread?.post({ type: 'transport-failed', error: toThreadError(error) });
        options.onPeerDead(rank, error);
      },
    });
  }

  start(task: GpuTask): void {
    if (this.ended !== undefined) return;
    const thread = this.options.startThread(task, (message) => this.receive(message));
    this.thread = thread;
    for (const delivered of this.early.splice(0)) this.forward(delivered);
    const { boundary } = this;
    if (Object.values(boundary).includes(true)) thread.post({ type: 'boundary', wishes: boundary });
  }

  askBoundary(wishes: BoundaryWishes): void {
    if (this.thread !== undefined) return this.thread.post({ type: 'boundary', wishes });
    const { checkpoint, stop, stopAtCheckpoint } = this.boundary;
    this.boundary = {
      checkpoint: checkpoint || wishes.checkpoint,
      stop: stop || wishes.stop,
      stopAtCheckpoint: stopAtCheckpoint || wishes.stopAtCheckpoint,
    };
  }

  /** Answers a call of the thread with the result of `work`. */
  reply(callId: number, work: Promise<unknown>): void {
    work.then(
      (value) => this.thread?.post({ type: 'reply', callId, value }),
      (error: unknown) => this.thread?.post({ type: 'reply', callId, error: toThreadError(error) }),
    );
  }

  /** Sends a message to the thread; does nothing if there is none. */
  tell(message: ToWorker): void {
    this.thread?.post(message);
  }

  /** Measures the link; undefined when the peer cannot be reached in time. */
  measureLink(toRank: number): Promise<MeasuredLink | undefined> {
    return this.links.measure(toRank);
  }

  /** Resolves when the peers have taken everything, and otherwise after DRAIN_MS_MAX: a peer may be gone. */
  async drain(): Promise<void> {
    await within(this.options.clock, DRAIN_MS_MAX, { work: this.links.drain(), late: () => undefined });
  }

  /** How long the thread has said nothing, in milliseconds; 0 while there is no thread. */
  get silentMs(): number {
    return this.thread?.silentMs() ?? 0;
  }

  /** Ends the thread; resolves when the device is free. It may be called again. */
  end(reason: string): Promise<void> {
    this.ended ??= (async () => {
      this.options.dataPlane.close(this.links, reason);
      const { thread } = this;
      this.thread = undefined;
      await thread?.stop();
    })();
    return this.ended;
  }

  private forward(delivered: DeliveredFrame): void {
    if (this.thread === undefined) {
      if (this.ended === undefined) this.early.push(delivered);
      return;
    }
    const { creditBytes } = delivered;
    const payload = ownedPayload(delivered.frame.payload);
    this.thread.post({ type: 'frame', frame: { ...delivered.frame, payload }, creditBytes }, [payload.buffer]);
  }

  private receive(message: FromWorker): void {
    if (this.ended !== undefined) return;
    switch (message.type) {
      case 'send':
        return this.reply(message.callId, this.links.send(message.toRank, message.frame));
      case 'taken':
        return this.links.taken(message.fromRank, message.creditBytes);
      case 'memory':
        return this.links.recycle(message.buffer);
      case 'read-weight':
        return this.reply(message.callId, this.options.weight(message.name, message.kind));
      default:
        return this.options.onMessage(message);
    }
  }
}

/** Only a whole ArrayBuffer can be moved to another thread: from one that other frames share, the payload is copied. */
function ownedPayload(payload: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return payload.buffer.byteLength - payload.byteLength > FRAME_HEADER_BYTES_MAX ? payload.slice() : payload;
}
