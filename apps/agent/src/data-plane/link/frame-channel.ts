import type { FrameDType } from '../frame';
import type { Channelled } from '../wire/frame-codec';
import type { LinkCredential } from './link-credential';

/** Who opens a stream, as its metadata says. */
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
  /** The parts of one or more messages, uncopied. `onWritten`: they left. Not called once the call is closed. */
  write(parts: readonly Uint8Array[], onWritten: () => void): void;
  /** Ends the call after what was written; `onClosed` follows. */
  end(): void;
}

export interface FrameChannelEvents {
  onCredit(credit: CreditMessage): void;
  /** Exactly once. `error.kind` says why: 'aborted' for an old fence, 'forbidden' for no such attempt, 'unavailable' …; none after an end. */
  onClosed(error?: Error): void;
}

/** Whom a call goes to. */
export interface LinkTarget {
  readonly rank: number;
  /** host:port; on loopback calls are in plain text, everywhere else over TLS. */
  readonly address: string;
  /** Of the caller; needed for what leaves this machine. */
  readonly credential?: LinkCredential | undefined;
}

/** Opens calls to peers; the gRPC one is in src/grpc. */
export interface FrameDialer {
  dial(target: LinkTarget, identity: StreamIdentity, events: FrameChannelEvents): FrameChannel;
  /** Sends the peer bytes that mean nothing; resolves when it has taken them all and has said so. */
  probe(target: LinkTarget, identity: StreamIdentity, byteCount: number): Promise<void>;
}

/** The receiver's end of one open call. */
export interface CreditChannel {
  credit(credit: CreditMessage): void;
  /** Ends the call after what was written. */
  end(): void;
  /** Ends the call with the reason. */
  refuse(error: Error): void;
}

/** Sizes of a link; both ends of an attempt use the same. */
export interface LinkLimits {
  /** Most bytes that are received and not taken, or on their way. */
  readonly windowBytes: number;
  /** Largest part of a payload in one message. */
  readonly partBytes: number;
}

/** Half a window at most: while one part travels the next one is made. */
export const DEFAULT_LINK_LIMITS: LinkLimits = { windowBytes: 32 * 2 ** 20, partBytes: 16 * 2 ** 20 };

/** dtype of a host array's bytes. */
export function frameDType(array: Float32Array | Float64Array | Uint32Array): FrameDType {
  if (array instanceof Float32Array) return 'f32';
  return array instanceof Float64Array ? 'f64' : 'u32';
}
