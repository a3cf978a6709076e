import { AppError, Backoff, type Clock, type Logger, describeError } from '@millrace/core';
import { attemptOver, peerLost } from '../data-plane.errors';
import type { CreditMessage, FrameChannel, FrameDialer, LinkLimits, LinkTarget, StreamIdentity } from './frame-channel';
import type { TensorFrame } from '../frame';
import { encodeHead } from '../wire/frame-codec';

export interface OutgoingLinkOptions {
  readonly target: LinkTarget;
  readonly identity: StreamIdentity;
  readonly dialer: FrameDialer;
  readonly limits: LinkLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** How long the peer may refuse or stay away before it first accepts; `lostAfterMs` counts after that. */
  readonly firstAcceptMs: number;
  readonly lostAfterMs: number;
  /**
   * Called when the peer stayed away too long or refused for good ('aborted': it knows a higher fence; 'invalid': it
   * cannot take what it was sent).
   */
  onDead(error: AppError): void;
}

/** Small frames are written together, up to so many bytes: enough that the cost of a write does not count. */
const BATCH_BYTES_MAX = 2 ** 20;
const WRITES_IN_FLIGHT_MAX = 3;

/** A message that is queued, or sent and not yet acknowledged. */
interface Outgoing {
  readonly sequence: number;
  readonly frame: TensorFrame;
  readonly part: Uint8Array;
  /** Belongs to the last message of a frame. */
  readonly onWritten?: { resolve(): void; reject(error: unknown): void };
}

/**
 * The sending end of one (attempt, receiver). Messages are sent in order while there is credit. What was not
 * acknowledged is sent again on a new call, from the message that the receiver asks for, so that each message counts
 * exactly once.
 */
export class OutgoingLink {
  private channel: FrameChannel | undefined;
  private accepted = false;
  private everAccepted = false;
  private creditBytes = 0;
  private nextSequence = 1;
  /**
   * Ascending by sequence: the first `writtenCount` are written, the first `reservedCount` have room at the receiver,
   * the others wait for credit.
   */
  private messages: Outgoing[] = [];
  private writtenCount = 0;
  private reservedCount = 0;
  private writesInFlight = 0;
  private cancelPump: (() => void) | undefined;
  private awaySinceMs = 0;
  private cancelRedial: (() => void) | undefined;
  private closed: Error | undefined;
  private readonly backoff: Backoff;
  private readonly drained: (() => void)[] = [];

  constructor(private readonly options: OutgoingLinkOptions) {
    this.backoff = new Backoff(50, 2000, options.random);
  }

  send(frame: TensorFrame): Promise<void> {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    return new Promise((resolve, reject) => {
      const { payload } = frame;
      const { partBytes } = this.options.limits;
      for (let start = 0; start === 0 || start < payload.length; start += partBytes) {
        const last = start + partBytes >= payload.length;
        const part = payload.subarray(start, start + partBytes);
        this.messages.push({
          sequence: this.nextSequence++,
          frame,
          part,
          onWritten: last ? { resolve, reject } : undefined,
        });
      }
      if (this.channel === undefined && this.cancelRedial === undefined) {
        this.awaySinceMs = this.options.clock.monotonicMs();
        this.dial();
      }
      this.reserve();
    });
  }

  /** Resolves when the receiver has taken everything. */
  drain(): Promise<void> {
    if (this.messages.length === 0 || this.closed !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.drained.push(resolve));
  }

  close(error: Error = attemptOver('closed')): void {
    if (this.closed !== undefined) return;
    this.closed = error;
    this.cancelRedial?.();
    this.pump();
    this.channel?.end();
    this.channel = undefined;
    for (const { onWritten } of this.messages) onWritten?.reject(error);
    this.messages = [];
    this.settleDrained();
  }

  private dial(): void {
    this.cancelRedial = undefined;
    this.accepted = false;
    this.creditBytes = 0;
    this.writtenCount = 0;
    this.reservedCount = 0;
    this.writesInFlight = 0;
    const { dialer, target, identity } = this.options;
    // Events of a call that was given up must not touch the call that replaced it.
    let current = true;
    this.channel = dialer.dial(target, identity, {
      onCredit: (credit) => {
        if (current) this.onCredit(credit);
      },
      onClosed: (error) => {
        if (current) this.onChannelClosed(error);
        current = false;
      },
    });
  }

  private onCredit(credit: CreditMessage): void {
    if (this.closed !== undefined) return;
    if (!this.accepted) {
      this.accepted = true;
      this.everAccepted = true;
      this.backoff.reset();
    }
    this.creditBytes += credit.bytes;
    while (this.messages[0] !== undefined && this.messages[0].sequence <= credit.sequence) {
      const message = this.messages.shift();
      if (this.writtenCount > 0) this.writtenCount--;
      if (this.reservedCount > 0) this.reservedCount--;
      // The message arrived on an earlier call, before its promise was settled.
      message?.onWritten?.resolve();
    }
    this.reserve();
    if (this.messages.length === 0) this.settleDrained();
  }

  /** Reserves room at the receiver for messages in their order; a message that has room counts as sent. */
  private reserve(): void {
    if (this.channel === undefined || !this.accepted) return;
    for (;;) {
      const message = this.messages[this.reservedCount];
      if (message === undefined || message.part.length > this.creditBytes) break;
      this.creditBytes -= message.part.length;
      this.reservedCount++;
      message.onWritten?.resolve();
    }
    if (this.reservedCount === this.writtenCount || this.cancelPump !== undefined) return;
    // Writing waits for the next turn of the event loop, so that all that is sent in this one is written together.
    const immediate = setImmediate(() => this.pump());
    this.cancelPump = () => clearImmediate(immediate);
  }

  private pump(): void {
    this.cancelPump?.();
    this.cancelPump = undefined;
    const { channel } = this;
    while (
      channel !== undefined &&
      this.writtenCount < this.reservedCount &&
      this.writesInFlight < WRITES_IN_FLIGHT_MAX
    ) {
      this.writesInFlight++;
      channel.write(this.nextBatch(channel), () => {
        if (this.channel !== channel) return;
        this.writesInFlight--;
        this.pump();
      });
    }
  }

  /** The parts of the next message and, while they are small, of those after it: heads and payloads alternate. */
  private nextBatch(channel: FrameChannel): Uint8Array[] {
    const { runId, fence } = this.options.identity;
    const batch: Uint8Array[] = [];
    for (let bytes = 0; this.writtenCount < this.reservedCount; this.writtenCount++) {
      const { sequence, frame, part } = this.messages[this.writtenCount]!;
      bytes += part.length;
      if (batch.length > 0 && bytes > BATCH_BYTES_MAX) break;
      batch.push(encodeHead({ runId, fence, sequence, frame, part }, channel), part);
    }
    return batch;
  }

  private onChannelClosed(error: Error | undefined): void {
    this.channel = undefined;
    if (this.closed !== undefined) return;
    const { clock, logger, target } = this.options;
    const { rank: toRank, address } = target;
    if (this.accepted) this.awaySinceMs = clock.monotonicMs();
    this.accepted = false;
    const awayMs = clock.monotonicMs() - this.awaySinceMs;
    logger.debug(
      { toRank, address, awayMs },
      `the stream to rank ${toRank} closed: ${describeError(error ?? 'ended by the peer')}`,
    );
    // A peer that knows a higher fence, or cannot take a frame, would answer the same again.
    if (error instanceof AppError && (error.kind === 'aborted' || error.kind === 'invalid')) return this.die(error);
    const limitMs = this.everAccepted ? this.options.lostAfterMs : this.options.firstAcceptMs;
    if (awayMs > limitMs) return this.die(peerLost(toRank, awayMs, error));
    // A peer that is done ends its calls. One that has taken everything is called again only when there is more to
    // send.
    if (this.messages.length > 0) this.cancelRedial = clock.after(this.backoff.nextMs(), () => this.dial());
  }

  private die(error: AppError): void {
    this.close(error);
    this.options.onDead(error);
  }

  private settleDrained(): void {
    for (const resolve of this.drained.splice(0)) resolve();
  }
}
