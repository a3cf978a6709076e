import { GRPC_PREFIX_BYTES } from '../../data-plane/wire/frame-codec';
import { messageTooLarge } from '../grpc-server.errors';

/** The bound for credits; a receiver of tensors sets a bound of its own. */
const MESSAGE_BYTES_MAX = 64 * 1024;

export interface MessageReaderOptions {
  readonly bytesMax: number;
  /** Returns memory for a message and its prefix. */
  memory(bytes: number): Buffer;
}

const SMALL: MessageReaderOptions = {
  bytesMax: MESSAGE_BYTES_MAX,
  memory: (bytes) => Buffer.allocUnsafeSlow(bytes),
};

/**
 * Cuts the bytes of an HTTP/2 stream into gRPC messages (Length-Prefixed-Message of the gRPC over HTTP/2 protocol).
 * Each message lies behind its prefix in memory of its own, into which its bytes are read directly or copied once.
 */
export class MessageReader {
  private readonly prefix = Buffer.alloc(GRPC_PREFIX_BYTES);
  private message: Buffer | undefined;
  /** Bytes that have come, first of the prefix, then of prefix and message together. */
  private filledBytes = 0;

  constructor(
    private readonly onMessage: (message: Buffer) => void,
    private readonly options: MessageReaderOptions = SMALL,
  ) {}

  /** Throws GRPC.MESSAGE_TOO_LARGE before it takes memory for the message. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at += this.fill(chunk, at);
  }

  /** The memory that the message's next bytes belong in; undefined before its length is known. */
  room(): Buffer | undefined {
    return this.message?.subarray(this.filledBytes);
  }

  /** So many bytes were put into `room()`. */
  placed(bytes: number): void {
    this.filledBytes += bytes;
    if (this.filledBytes === this.message?.length) this.complete();
  }

  private fill(chunk: Buffer, at: number): number {
    const target = this.message ?? this.prefix;
    const taken = chunk.copy(target, this.filledBytes, at);
    this.filledBytes += taken;
    if (this.filledBytes === target.length) this.complete();
    return taken;
  }

  private complete(): void {
    if (this.message === undefined) this.message = this.startMessage();
    if (this.filledBytes < this.message.length) return;
    const message = this.message.subarray(GRPC_PREFIX_BYTES);
    this.message = undefined;
    this.filledBytes = 0;
    this.onMessage(message);
  }

  private startMessage(): Buffer {
    const length = this.prefix.readUInt32BE(1);
    const { bytesMax } = this.options;
    if (this.prefix[0] !== 0 || length > bytesMax) throw messageTooLarge(length, bytesMax, this.prefix[0] !== 0);
    const message = this.options.memory(GRPC_PREFIX_BYTES + length);
    this.prefix.copy(message);
    return message;
  }
}
