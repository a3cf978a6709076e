import { STAGED_SENDS_MAX } from '@millrace/pipeline';
import type { DeviceTensor, HostArray } from '@millrace/runtime';
import { type Edge, type TensorFrame, type FrameKey, OUTLIVES_ROLLBACKS } from '../../data-plane/frame';
import { frameDType } from '../../data-plane/link/frame-channel';
import type { StageTransport } from '../../data-plane/stage-transport';
import type { PatientWait, PendingTensor } from './patient-wait';
import { type DueValues, frameValues, valuesOf } from './frame-values';
import { BoundedReads } from './bounded-reads';
import { SendQueue } from './send-queue';
import type { AttemptFailure } from '../failure/attempt-failure';
import type { StepWatchdog } from '../failure/step-watchdog';
import type { StageMemory } from '../stage-memory';
import type { WorkTimeline } from '../work-timeline';

export interface Address {
  readonly edge: Edge;
  readonly step: number;
  /** -1 where the tensor belongs to no micro-batch. */
  readonly microBatch: number;
  /** Which of its own chunks the sender means; 0 where the tensor belongs to the whole rank. */
  readonly chunk: number;
}

export interface TensorExchangeOptions {
  readonly rank: number;
  /** The virtual stage of each chunk. */
  readonly stages: readonly number[];
  readonly memory: Pick<StageMemory, 'backend' | 'staging'>;
  readonly transport: StageTransport;
  readonly timeline: WorkTimeline;
  readonly wait: PatientWait;
  readonly failure: AttemptFailure;
  readonly watchdog: StepWatchdog;
}

/** Moves tensors between a device and the other ranks. */
export class TensorExchange {
  readonly sends: SendQueue;
  private readonly reads = new BoundedReads(STAGED_SENDS_MAX);
  private rollbacks = 0;

  constructor(private readonly options: TensorExchangeOptions) {
    this.sends = new SendQueue((error) => options.failure.raise(error));
  }

  /**
   * Drops what was sent and asked for in the step that is rolled back: waits for its tensors reject with
   * DATA_PLANE.FRAME_DROPPED. Every rank rolls back at the same steps.
   */
  rollBack(): void {
    this.rollbacks++;
    this.options.transport.dropBefore(this.rollbacks);
  }

  /**
   * Resolves when one more activation or gradient can be read: only so many are on their way out of the device. Errors
   * are told by the read itself.
   */
  roomToRead(): Promise<void> | void {
    return this.reads.room();
  }

  /** Reads the tensor as it is now. */
  read(tensor: DeviceTensor): Promise<HostArray> {
    const { memory, timeline } = this.options;
    return this.reads.add(memory.backend.read(tensor, timeline.delayMs(), memory.staging.sends));
  }

  /**
   * Resolves when a copy of the tensor is enqueued, which waits for room; the copy travels while the device goes on.
   */
  async send(toRank: number, tensor: DeviceTensor, address: Address): Promise<void> {
    const { rollbacks } = this;
    if (address.edge !== 'tied') await this.roomToRead();
    // The step was rolled back while this waited, and sends a tensor of the same name when it runs again.
    if (rollbacks !== this.rollbacks) return;
    this.sends.check();
    const { watchdog, timeline, memory } = this.options;
    const done = timeline.mark();
    const what = this.sending(toRank, address);
    const arrived = timeline.beginSpan(`readback:${what}`, 'send');
    const read = watchdog.device(
      address.edge === 'tied'
        ? memory.backend.read(tensor, timeline.delayMs(), memory.staging.tied)
        : this.read(tensor),
    );
    // A failed readback means that the device failed, which counts at once, even if an earlier tensor still waits for
    // room.
    read.then(arrived, (error: unknown) => this.options.failure.raise(error));
    this.sends.push(async () => {
      const data = await read;
      done();
      if (rollbacks !== this.rollbacks) return;
      const sent = timeline.beginSpan(`send:${what}`, 'send');
      const taken = watchdog.waits({ forRank: toRank, what });
      await this.sendArray(toRank, data, { address, shape: tensor.declaration.shape });
      taken();
      sent();
    });
  }

  sendArray(
    toRank: number,
    data: HostArray,
    { address, shape }: { address: Address; shape: readonly number[] },
  ): Promise<void> {
    return this.options.transport.send(toRank, this.frame(data, address, shape));
  }

  /**
   * Waits until everything sent is on its way. With `isOverlapped` the rank computes meanwhile, so that the time does
   * not count as waiting.
   */
  async settleSends(isOverlapped: boolean): Promise<void> {
    const waited = isOverlapped ? undefined : this.options.timeline.beginSpan('wait:sends', 'wait-send');
    await this.sends.settled();
    waited?.();
  }

  /** Asks for a tensor without waiting for it; the result is given to `take` when the tensor is needed. */
  ask(fromRank: number, address: Address): PendingTensor {
    const key: FrameKey = { ...address, fromRank, rollbacks: this.rollbacksOf(address) };
    const arrival = this.options.transport.receive(key);
    arrival.catch(() => undefined);
    return { key, arrival };
  }

  /** Waits for the frame and writes it into `tensor`. `what` names the action in a report of a long wait. */
  async take(pending: PendingTensor, what: string, tensor: DeviceTensor): Promise<void> {
    const frame = await this.takeFrame(pending, what);
    const written = this.options.timeline.beginSpan(what, 'receive');
    this.options.memory.backend.write(tensor, frameValues(frame, valuesOf(tensor.declaration)));
    // `write` has copied the data, so that the frame's memory can be used again.
    this.options.transport.release?.(frame);
    written();
  }

  async takeArray(pending: PendingTensor, what: string, due: DueValues): Promise<HostArray> {
    return frameValues(await this.takeFrame(pending, what), due);
  }

  async takeText(pending: PendingTensor, what: string): Promise<string> {
    const frame = await this.options.wait.for(pending, what);
    return Buffer.from(frame.payload.buffer, frame.payload.byteOffset, frame.payload.byteLength).toString('utf8');
  }

  private takeFrame(pending: PendingTensor, what: string): Promise<TensorFrame> {
    // While this rank waits, the device works on what it was given.
    this.options.memory.backend.flush();
    return this.options.wait.for(pending, what);
  }

  sendText(toRank: number, text: string, address: Address): Promise<void> {
    const payload = new Uint8Array(new TextEncoder().encode(text));
    const { rank } = this.options;
    const frame: TensorFrame = {
      ...address,
      fromRank: rank,
      rollbacks: this.rollbacksOf(address),
      direction: 'forward',
      dtype: 'u8',
      shape: [payload.length],
      payload,
    };
    return this.options.transport.send(toRank, frame);
  }

  /** An account tells of a step that was committed, so that dropping the next step must not drop it. */
  private rollbacksOf({ edge }: Address): number {
    return edge === 'account' ? OUTLIVES_ROLLBACKS : this.rollbacks;
  }

  /** Names the action that sends, for instance "1SEND_F3"; where no action of the schedule does, what goes to whom. */
  private sending(toRank: number, { edge, chunk, microBatch }: Address): string {
    const kind = edge === 'activation' ? 'SEND_F' : edge === 'gradient' ? 'SEND_B' : undefined;
    const stage = this.options.stages[chunk];
    if (kind === undefined || stage === undefined) return `${edge} to rank ${toRank}`;
    return `${stage}${kind}${microBatch}`;
  }

  private frame(data: HostArray, address: Address, shape: readonly number[]): TensorFrame {
    const payload = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const direction = address.edge === 'gradient' ? 'backward' : 'forward';
    const rollbacks = this.rollbacksOf(address);
    return { ...address, fromRank: this.options.rank, rollbacks, direction, dtype: frameDType(data), shape, payload };
  }
}
