import type { Clock } from '@millrace/core';
import { fenceOld, frameBeyondPlan, frameMalformed, sequenceGap, windowOverrun } from '../data-plane.errors';
import { type FrameBounds, type TensorFrame, FRAME_DTYPE_BYTES, frameBytes, type FrameDType } from '../frame';
import type { CreditChannel, LinkLimits, StreamIdentity } from './frame-channel';
import type { MessageMemory } from '../message-memory';
import { type Channelled, decodeFrame, type FrameMessage } from '../wire/frame-codec';

/** A frame and what its sender gets back for it once it is taken. */
export interface DeliveredFrame {
  readonly frame: TensorFrame;
  readonly creditBytes: number;
}

export interface IncomingLinkOptions {
  readonly limits: LinkLimits;
  readonly memory: MessageMemory;
  readonly bounds: FrameBounds;
  readonly clock: Clock;
}

interface Assembly {
  readonly payload: Uint8Array<ArrayBuffer>;
  filledBytes: number;
}

/** Of a message beside its part of a payload: the run's id and a dozen numbers. */
const HEADER_BYTES_MAX = 1024;
/** Small credits are gathered for this long: the last ones of a burst must not wait for the next burst. */
const CREDIT_DELAY_MS = 10;

/**
 * The receiving end of one (attempt, sender): puts payloads together, and gives credit when frames are taken. It
 * outlives the calls that feed it: a new call replaces the old one and goes on after the last message that arrived.
 */
export class IncomingLink {
  private channel: CreditChannel | undefined;
  private lastSequence = 0;
  /** Arrived and not yet credited. */
  private heldBytes = 0;
  /** Taken, and not yet told to the sender. */
  private freedBytes = 0;
  private assembly: Assembly | undefined;
  private cancelFlush: (() => void) | undefined;

  constructor(
    private readonly identity: StreamIdentity,
    private readonly options: IncomingLinkOptions,
    private readonly deliver: (delivered: DeliveredFrame) => void,
  ) {}

  /** Beyond it no message holds a part of a frame that the plan has. */
  get messageBytesMax(): number {
    const largest = Math.max(...Object.values(this.options.bounds));
    return Math.min(largest, this.options.limits.partBytes) + HEADER_BYTES_MAX;
  }

  /** Of its messages: a view of memory that `receive` takes over. */
  messageMemory(bytes: number): Buffer {
    return Buffer.from(this.options.memory.take(bytes), 0, bytes);
  }

  attach(channel: CreditChannel): void {
    this.channel = channel;
    this.heldBytes -= this.freedBytes;
    this.freedBytes = 0;
    channel.credit({ bytes: this.options.limits.windowBytes - this.heldBytes, sequence: this.lastSequence });
  }

  /** Ignored when `channel` was replaced already. */
  detach(channel: CreditChannel): void {
    if (this.channel === channel) this.channel = undefined;
  }

  isAttached(channel: CreditChannel): boolean {
    return this.channel === channel;
  }

  /** Errors DATA_PLANE.*: the call they came on is refused with them. */
  receive(bytes: Buffer, channelled: Channelled): void {
    const message = decodeFrame(bytes, channelled);
    this.check(message);
    this.lastSequence = message.sequence;
    this.heldBytes += message.part.length;
    if (this.heldBytes > this.options.limits.windowBytes)
      throw windowOverrun(this.heldBytes, this.options.limits.windowBytes);
    this.accept(message);
  }

  /** Frames of `bytes` were taken: the sender may have as many more in flight. */
  release(bytes: number): void {
    this.freedBytes += bytes;
    if (this.freedBytes >= this.options.limits.windowBytes / 8) this.flush();
    else this.cancelFlush ??= this.options.clock.after(CREDIT_DELAY_MS, () => this.flush());
  }

  /** Ends the call after a last credit: a sender whose frames were all taken must not think that they are lost. */
  close(): void {
    this.flush();
    this.channel?.end();
    this.channel = undefined;
  }

  private check({ runId, fence, frame, sequence }: FrameMessage): void {
    const { identity } = this;
    if (runId !== identity.runId || fence !== identity.fence) throw fenceOld(runId, fence);
    if (frame.fromRank !== identity.fromRank)
      throw frameMalformed(`rank ${frame.fromRank} on the stream of rank ${identity.fromRank}`);
    const [bytes, bytesMax] = [frameBytes(frame), this.options.bounds[frame.edge]];
    if (bytes > bytesMax) throw frameBeyondPlan(frame.edge, bytes, bytesMax);
    if (sequence !== this.lastSequence + 1) throw sequenceGap(this.lastSequence + 1, sequence);
  }

  private accept({ frame, part }: FrameMessage): void {
    const totalBytes = frameBytes(frame);
    if (this.assembly === undefined && part.length === totalBytes) {
      return this.deliver({ frame: { ...frame, payload: this.aligned(part, frame.dtype) }, creditBytes: totalBytes });
    }
    const { memory } = this.options;
    this.assembly ??= { payload: new Uint8Array(memory.take(totalBytes), 0, totalBytes), filledBytes: 0 };
    const { assembly } = this;
    if (assembly.filledBytes + part.length > totalBytes) throw frameMalformed(`more than its ${totalBytes} bytes`);
    assembly.payload.set(part, assembly.filledBytes);
    assembly.filledBytes += part.length;
    memory.give(part.buffer as ArrayBuffer);
    // A payload near the size of the window could never be complete if its parts were credited only when it is taken.
    const creditAtOnce = totalBytes > this.options.limits.windowBytes / 2;
    if (creditAtOnce) this.release(part.length);
    if (assembly.filledBytes < totalBytes) return;
    this.assembly = undefined;
    this.deliver({ frame: { ...frame, payload: assembly.payload }, creditBytes: creditAtOnce ? 0 : totalBytes });
  }

  /** The part where it lies in the message, if an array of its type may begin there: senders see to that. */
  private aligned(part: Uint8Array, dtype: FrameDType): Uint8Array<ArrayBuffer> {
    if (part.byteOffset % FRAME_DTYPE_BYTES[dtype] === 0) return part as Uint8Array<ArrayBuffer>;
    const payload = new Uint8Array(this.options.memory.take(part.length), 0, part.length);
    payload.set(part);
    this.options.memory.give(part.buffer as ArrayBuffer);
    return payload;
  }

  private flush(): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    // Without a call the next one starts with a full account instead.
    if (this.channel === undefined || this.freedBytes === 0) return;
    this.channel.credit({ bytes: this.freedBytes, sequence: this.lastSequence });
    this.heldBytes -= this.freedBytes;
    this.freedBytes = 0;
  }
}
