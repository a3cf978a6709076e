import type { Socket } from 'node:net';
import type { AppError } from '@millrace/core';
import {
  DEFAULT_FRAME_BYTES_MAX,
  DEFAULT_WINDOW_BYTES,
  FLAG,
  FRAME_TYPE,
  WINDOW_BYTES_MAX,
} from '../frames/frame-format';
import { type PeerSettings } from '../frames/control-payloads';
import { frameHeader, headerFrames } from '../frames/frame-writer';
import { flowControlError, tooMuch } from '../http2.errors';
import { CONTROL_BYTES_MAX, DATA_FRAME_BYTES, SOCKET_BACKLOG_BYTES } from '../http2-limits';
import { StreamWrites } from './stream-writes';

/**
 * The sending half of a connection: streams take turns with one DATA frame each, as far as the peer's windows allow.
 * Little waits in the socket, so that what cannot wait (answers to a PING) need not.
 */
export class WriteScheduler {
  /** Grows with every DATA frame that has left: a peer that receives them is alive. */
  writtenCount = 0;
  private frameBytesMax = DEFAULT_FRAME_BYTES_MAX;
  private streamWindowBytes = DEFAULT_WINDOW_BYTES;
  private windowBytes = DEFAULT_WINDOW_BYTES;
  private controlBytes = 0;
  /** The streams in the order of their turns. */
  private readonly waiting = new Set<StreamWrites>();
  private readonly streams = new Set<StreamWrites>();

  constructor(
    private readonly socket: Socket,
    /** Called when the peer must not be written to any more. */
    private readonly onOverrun: (error: AppError) => void,
  ) {}

  open(streamId: number, onEnded: () => void): StreamWrites {
    const stream = new StreamWrites(streamId, this.streamWindowBytes, onEnded);
    this.streams.add(stream);
    return stream;
  }

  /** Drops what the stream has not sent. */
  close(stream: StreamWrites): void {
    this.streams.delete(stream);
    this.waiting.delete(stream);
  }

  /** Sends a frame that waits for no window. */
  control(frame: Buffer): void {
    if (this.socket.destroyed || this.socket.writableEnded) return;
    this.controlBytes += frame.length;
    if (this.controlBytes > CONTROL_BYTES_MAX) return this.onOverrun(tooMuch('it does not read what it asks for'));
    this.socket.write(frame, () => {
      this.controlBytes -= frame.length;
    });
  }

  headers(streamId: number, block: Buffer, endStream: boolean): void {
    this.control(headerFrames(streamId, block, { endStream, max: this.frameBytesMax }));
  }

  /** Called after something was added to `stream`. */
  schedule(stream: StreamWrites): void {
    if (!this.streams.has(stream)) return;
    this.waiting.add(stream);
    this.flush();
  }

  applySettings({ initialWindowSize, maxFrameSize }: PeerSettings): void {
    if (maxFrameSize !== undefined) this.frameBytesMax = maxFrameSize;
    if (initialWindowSize === undefined) return this.flush();
    const change = initialWindowSize - this.streamWindowBytes;
    this.streamWindowBytes = initialWindowSize;
    for (const stream of this.streams) stream.windowBytes = widened(stream.windowBytes, change);
    this.flush();
  }

  /** Widens the stream's window or, without a stream, that of the connection. */
  widen(bytes: number, stream?: StreamWrites): void {
    if (stream === undefined) this.windowBytes = widened(this.windowBytes, bytes);
    else stream.windowBytes = widened(stream.windowBytes, bytes);
    this.flush();
  }

  private flush(): void {
    if (this.waiting.size === 0 || this.socket.destroyed || this.socket.writableEnded) return;
    this.socket.cork();
    let blockedCount = 0;
    // A stream that has sent goes to the end of the line: a set keeps the order in which its members were added.
    for (const stream of this.waiting) {
      if (blockedCount >= this.waiting.size || this.socket.writableLength >= SOCKET_BACKLOG_BYTES) break;
      const progress = this.send(stream);
      if (progress === 'done') continue;
      this.waiting.delete(stream);
      this.waiting.add(stream);
      blockedCount = progress === 'sent' ? 0 : blockedCount + 1;
    }
    this.socket.uncork();
  }

  private send(stream: StreamWrites): 'sent' | 'blocked' | 'done' {
    if (!stream.hasWrites) {
      this.waiting.delete(stream);
      if (stream.ending !== undefined) this.end(stream, stream.ending.trailers);
      return 'done';
    }
    const bytesMax = Math.min(this.windowBytes, stream.windowBytes, this.frameBytesMax, DATA_FRAME_BYTES);
    if (bytesMax <= 0) return 'blocked';
    const { parts, bytes, written } = stream.take(bytesMax);
    this.windowBytes -= bytes;
    stream.windowBytes -= bytes;
    this.socket.write(frameHeader({ bytes, type: FRAME_TYPE.data, flags: 0, streamId: stream.streamId }));
    for (let index = 0; index < parts.length - 1; index++) this.socket.write(parts[index] as Uint8Array);
    this.socket.write(parts.at(-1) ?? new Uint8Array(0), (error) => this.onWritten(written, error));
    return 'sent';
  }

  private onWritten(written: readonly (() => void)[], error: Error | null | undefined): void {
    if (error) return;
    this.writtenCount++;
    for (const each of written) each();
    this.flush();
  }

  private end(stream: StreamWrites, trailers: Buffer | undefined): void {
    const { streamId } = stream;
    if (trailers !== undefined) this.headers(streamId, trailers, true);
    else this.control(frameHeader({ bytes: 0, type: FRAME_TYPE.data, flags: FLAG.endStream, streamId }));
    stream.onEnded();
  }
}

function widened(windowBytes: number, bytes: number): number {
  const result = windowBytes + bytes;
  if (result > WINDOW_BYTES_MAX) throw flowControlError(`a window of ${result} bytes`);
  return result;
}
