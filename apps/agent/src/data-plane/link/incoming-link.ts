import type { Clock } from '@millrace/core';
import { fenceOld, frameBeyondPlan, frameMalformed, sequenceGap, windowOverrun } from '../data-plane.errors';
import { type FrameBounds, type TensorFrame, FRAME_DTYPE_BYTES, frameBytes, type FrameDType } from '../frame';
import type { CreditChannel, LinkLimits, StreamIdentity } from './frame-channel';
import type { MessageMemory } from '../message-memory';
import { type Channelled, decodeFrame, type FrameMessage } from '../wire/frame-codec';

/** A frame that has arrived, and how many bytes its sender is credited when it is taken. */
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

/** Beside its part of a payload, a message holds the run's id and a dozen numbers, which take no more than this. */
export const FRAME_HEADER_BYTES_MAX = 1024;
/**
 * Small credits are gathered for this long before they are sent; they must not wait longer, or those of a burst's last
 * frames would wait for the next burst.
 */
const CREDIT_DELAY_MS = 10;

/**
 * The receiving end of one (attempt, sender): it puts payloads together, and gives credit when frames are taken. It
 * outlives the calls that feed it: a new call replaces the old one and goes on after the last message that arrived.
 */
export class IncomingLink {
  private channel: CreditChannel | undefined;
  private lastSequence = 0;
  /** Bytes that have arrived and are not credited yet. */
  private heldBytes = 0;
  /** Bytes that were taken and are not credited to the sender yet. */
  private freedBytes = 0;
  private assembly: Assembly | undefined;
  private cancelFlush: (() => void) | undefined;

  constructor(
    private readonly identity: StreamIdentity,
    private readonly options: IncomingLinkOptions,
    private readonly deliver: (delivered: DeliveredFrame) => void,
  ) {}

  /** No message that holds a part of a frame of the plan is larger than this. */
  get messageBytesMax(): number {
    const largest = Math.max(...Object.values(this.options.bounds));
    return Math.min(largest, this.options.limits.partBytes) + FRAME_HEADER_BYTES_MAX;
  }

  /** Memory for one of its messages; `receive` takes it over. */
  messageMemory(bytes: number): Buffer {
    return Buffer.from(this.options.memory.take(bytes), 0, bytes);
  }

  attach(channel: CreditChannel): void {
    this.channel = channel;
    this.heldBytes -= this.freedBytes;
    this.freedBytes = 0;
    channel.credit({ bytes: this.options.limits.windowBytes - this.heldBytes, sequence: this.lastSequence });
  }

  /** Does nothing when another call has already replaced `channel`. */
  detach(channel: CreditChannel): void {
    if (this.channel === channel) this.channel = undefined;
  }

  isAttached(channel: CreditChannel): boolean {
    return this.channel === channel;
  }

  /** Takes a message. Throws DATA_PLANE.*, with which the call that it came on is refused. */
  receive(bytes: Buffer, channelled: Channelled): void {
    const message = decodeFrame(bytes, channelled);
    this.check(message);
    this.lastSequence = message.sequence;
    this.heldBytes += message.part.length;
    if (this.heldBytes > this.options.limits.windowBytes)
      throw windowOverrun(this.heldBytes, this.options.limits.windowBytes);
    this.accept(message);
  }

  /** Frames of `bytes` in all were taken: the sender may have so many more in flight. */
  release(bytes: number): void {
    this.freedBytes += bytes;
    if (this.freedBytes >= this.options.limits.windowBytes / 8) this.flush();
    else this.cancelFlush ??= this.options.clock.after(CREDIT_DELAY_MS, () => this.flush());
  }

  /** Ends the call after a last credit: a sender whose frames were all taken must not believe them lost. */
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
    // Parts of a payload nearly as large as the window are credited on arrival: if they were credited only when the
    // payload is taken, its last parts could never be sent.
    const creditAtOnce = totalBytes > this.options.limits.windowBytes / 2;
    if (creditAtOnce) this.release(part.length);
    if (assembly.filledBytes < totalBytes) return;
    this.assembly = undefined;
    this.deliver({ frame: { ...frame, payload: assembly.payload }, creditBytes: creditAtOnce ? 0 : totalBytes });
  }

  /**
   * Returns the part where it lies in the message, if an array of its type may begin there, which senders take care of.
   */
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
    // Without a call nothing is sent: the next call begins by telling all that is free.
    if (this.channel === undefined || this.freedBytes === 0) return;
    this.channel.credit({ bytes: this.freedBytes, sequence: this.lastSequence });
    this.heldBytes -= this.freedBytes;
    this.freedBytes = 0;
  }
}
