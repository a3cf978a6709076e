import type { Socket } from 'node:net';
import { type AppError, type Clock, systemClock } from '@millrace/core';
import {
  DEFAULT_WINDOW_BYTES,
  FRAME_BYTES_MAX,
  type Http2ErrorCode,
  PREFACE,
  STREAM_ID_MAX,
} from '../frames/frame-format';
import { FrameReader } from '../frames/frame-reader';
import { goawayFrame, pingFrame, resetFrame, settingsFrame, windowUpdateFrame } from '../frames/frame-writer';
import { WriteScheduler } from '../flow/write-scheduler';
import { ReceiveWindow } from '../flow/receive-window';
import { encodeHeaders } from '../hpack/hpack-encoder';
import { connectionLost, http2CodeOf } from '../http2.errors';
import type { HeaderFields } from '../http2-headers';
import {
  CONCURRENT_STREAMS_MAX,
  FAREWELL_READS_MAX,
  FAREWELL_TIMEOUT_MS,
  HEADER_LIST_BYTES_MAX,
  WINDOW_BYTES,
  WINDOW_STEP_BYTES,
} from '../http2-limits';
import { type DispatchedConnection, FrameDispatcher, type PeerEvents } from './frame-dispatcher';
import { Http2Stream, type StreamEvents } from './http2-stream';

export interface ConnectionEvents extends PeerEvents {
  /**
   * Called exactly once, after the connection's streams are closed. An error with the code GRPC.HTTP2_PROTOCOL is the
   * peer's fault.
   */
  onClosed(error: AppError): void;
  /** Measures the rate at which the peer resets streams; by default the system's clock. */
  readonly clock?: Clock;
}

/**
 * One HTTP/2 connection (RFC 9113) for gRPC's bidirectional streams, without what those do not need: no push, no
 * priorities, no upgrade. Bytes come in through `reader`; everything that breaks a rule or exceeds a bound ends it.
 */
export class Http2Connection implements DispatchedConnection {
  readonly writes: WriteScheduler;
  readonly reader: FrameReader;
  readonly streams = new Map<number, Http2Stream>();
  /** The highest stream id of the peer; `lastLocalId` is ours. */
  lastRemoteId = 0;
  lastLocalId: number;
  readonly window = new ReceiveWindow(WINDOW_BYTES, WINDOW_STEP_BYTES);
  private closedBy: AppError | undefined;
  private discardedCount = 0;
  private readonly pongs: (() => void)[] = [];

  constructor(
    readonly socket: Socket,
    readonly role: 'client' | 'server',
    readonly events: ConnectionEvents,
  ) {
    this.writes = new WriteScheduler(socket, (error) => this.destroy(error));
    this.reader = new FrameReader(new FrameDispatcher(this, events.clock ?? systemClock), {
      expectPreface: role === 'server',
    });
    this.lastLocalId = role === 'client' ? -1 : 0;
    socket.setNoDelay(true);
    socket.on('error', (error) => this.destroy(connectionLost('the connection broke', error)));
    socket.on('close', () => this.destroy(connectionLost('the connection closed')));
    this.greet();
  }

  get closed(): boolean {
    return this.closedBy !== undefined;
  }

  /** Takes the peer's bytes, in their order. */
  push(chunk: Buffer): void {
    this.guard(() => this.reader.push(chunk));
  }

  /** So many bytes were put into the memory that `reader.room` returned. */
  placed(bytes: number): void {
    this.guard(() => this.reader.placed(bytes));
  }

  /** Opens a stream; only for a client. */
  request(headers: HeaderFields, events: StreamEvents): Http2Stream {
    this.lastLocalId += 2;
    const stream = new Http2Stream(this.lastLocalId, this);
    stream.listen(events);
    this.streams.set(stream.id, stream);
    this.writes.headers(stream.id, encodeHeaders(headers), false);
    return stream;
  }

  /** False once all stream ids are used up: they are never reused. */
  get canRequest(): boolean {
    return !this.closed && this.lastLocalId < STREAM_ID_MAX - 2;
  }

  ping(onPong: () => void): void {
    this.pongs.push(onPong);
    this.writes.control(pingFrame(Buffer.alloc(8), false));
  }

  pong(): void {
    this.pongs.shift()?.();
  }

  /** Ends the connection at once, with a farewell. Its streams get `error`. */
  destroy(error: AppError): void {
    if (this.closedBy !== undefined) return;
    this.closedBy = error;
    const code = http2CodeOf(error);
    if (!this.socket.destroyed) this.sayGoodbye(code ?? 'noError', code === undefined ? '' : error.message);
    for (const stream of [...this.streams.values()]) stream.close(error);
    this.events.onClosed(error);
  }

  sendReset(stream: Pick<Http2Stream, 'id'>, code: Http2ErrorCode): void {
    if (!this.closed) this.writes.control(resetFrame(stream.id, code));
  }

  forget(stream: Http2Stream): void {
    this.streams.delete(stream.id);
  }

  /** Runs what the peer's bytes cause; an error ends the connection. */
  private guard(work: () => void): void {
    if (this.closed) return this.discard();
    try {
      work();
    } catch (error) {
      // A bug of ours must not be taken for the peer's fault.
      if (http2CodeOf(error) === undefined) throw error;
      this.destroy(error as AppError);
    }
  }

  private greet(): void {
    const settings = settingsFrame({
      headerTableSize: 0,
      enablePush: 0,
      maxConcurrentStreams: CONCURRENT_STREAMS_MAX,
      initialWindowSize: WINDOW_BYTES,
      maxFrameSize: FRAME_BYTES_MAX,
      maxHeaderListSize: HEADER_LIST_BYTES_MAX,
    });
    const widen = windowUpdateFrame(0, WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
    this.writes.control(Buffer.concat([...(this.role === 'client' ? [PREFACE] : []), settings, widen]));
  }

  private sayGoodbye(code: Http2ErrorCode, reason: string): void {
    // The owner holds all bytes back until it knows who the peer is (TLS): nobody may be told anything before.
    if (this.socket.writableCorked > 0) return void this.socket.destroy();
    this.socket.write(goawayFrame(this.lastRemoteId, code, reason));
    // What waits in the socket may still leave, unless the peer does not read. If the socket were closed while unread
    // bytes lie in it, it would be reset and the reason would be lost.
    if (code === 'noError') this.socket.destroySoon();
    else this.socket.end();
    this.socket.setTimeout(FAREWELL_TIMEOUT_MS, () => this.socket.destroy());
  }

  /** Drops what the peer sends before it reads why the connection ended. */
  private discard(): void {
    if (++this.discardedCount > FAREWELL_READS_MAX) this.socket.destroy();
  }
}
