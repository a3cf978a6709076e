import type { FrameDType } from '../frame';
import type { Channelled } from '../wire/frame-codec';
import type { LinkCredential } from './link-credential';

/** Who opens a stream, as the stream's metadata says. */
export interface StreamIdentity {
  readonly runId: string;
  readonly fence: number;
  readonly key: string;
  readonly fromRank: number;
}

/** The receiver has room for `bytes` more, and everything up to `sequence` has arrived. */
export interface CreditMessage {
  readonly bytes: number;
  readonly sequence: number;
}

/** The sender's end of one open call. */
export interface FrameChannel extends Channelled {
  /**
   * Writes the parts of one or more messages without copying them. `onWritten` is called when they have left, and not
   * at all once the call is closed.
   */
  write(parts: readonly Uint8Array[], onWritten: () => void): void;
  /** Ends the call after everything that was written; `onClosed` follows. */
  end(): void;
}

export interface FrameChannelEvents {
  onCredit(credit: CreditMessage): void;
  /**
   * Called exactly once. `error.kind` says why: 'aborted' for an old fence, 'forbidden' if there is no such attempt,
   * 'unavailable' …; after `end` there is no error.
   */
  onClosed(error?: Error): void;
}

/** The peer that a call goes to. */
export interface LinkTarget {
  readonly rank: number;
  /** The peer's host:port. Calls are in plain text on loopback and use TLS everywhere else. */
  readonly address: string;
  /** The caller's credential; needed for every call that leaves this machine. */
  readonly credential?: LinkCredential | undefined;
}

/** Opens calls to peers; its implementation for gRPC is in src/grpc. */
export interface FrameDialer {
  dial(target: LinkTarget, identity: StreamIdentity, events: FrameChannelEvents): FrameChannel;
  /** Sends the peer bytes without a meaning; resolves when the peer says that it has received them all. */
  probe(target: LinkTarget, identity: StreamIdentity, byteCount: number): Promise<void>;
}

/** The receiver's end of one open call. */
export interface CreditChannel {
  credit(credit: CreditMessage): void;
  /** Ends the call after everything that was written. */
  end(): void;
  /** Ends the call and tells the caller the reason. */
  refuse(error: Error): void;
}

/** Sizes of a link, which both ends of an attempt share. */
export interface LinkLimits {
  /** How many bytes may be on their way, or received but not taken. */
  readonly windowBytes: number;
  /** The largest part of a payload in one message. */
  readonly partBytes: number;
}

/** A part is at most half a window, so that the next part is made while one travels. */
export const DEFAULT_LINK_LIMITS: LinkLimits = { windowBytes: 32 * 2 ** 20, partBytes: 16 * 2 ** 20 };

/** The dtype of a host array's elements. */
export function frameDType(array: Float32Array | Float64Array | Uint32Array | Uint16Array): FrameDType {
  if (array instanceof Float32Array) return 'f32';
  if (array instanceof Uint16Array) return 'f16';
  return array instanceof Float64Array ? 'f64' : 'u32';
}
