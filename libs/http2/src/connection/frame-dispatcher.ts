import type { AppError, Clock } from '@millrace/core';
import { ResetAllowance } from '../flow/reset-allowance';
import type { ReceiveWindow } from '../flow/receive-window';
import { Http2Stream, type StreamHost } from './http2-stream';
import {
  type HeaderBlock,
  HeaderBlocks,
  parseGoaway,
  parseSettings,
  parseUint32,
  parseWindowUpdate,
} from '../frames/control-payloads';
import { FLAG, FRAME_TYPE, type FrameHeader, HTTP2_ERROR } from '../frames/frame-format';
import type { FrameSink } from '../frames/frame-reader';
import { pingFrame, settingsAckFrame, windowUpdateFrame } from '../frames/frame-writer';
import { HpackDecoder } from '../hpack/hpack-decoder';
import { connectionLost, frameSizeError, protocolError, streamClosedError, streamReset } from '../http2.errors';
import type { HeaderFields } from '../http2-headers';
import { CONCURRENT_STREAMS_MAX, HEADER_LIST_BYTES_MAX } from '../http2-limits';

export interface PeerEvents {
  /** A server's: `listen` to it at once. */
  onStream(stream: Http2Stream, headers: HeaderFields): void;
  /** The peer's settings came: it speaks HTTP/2. */
  onReady(): void;
  /** The peer takes no new streams. */
  onGoaway(): void;
}

/** What a peer's frames change of a connection. */
export interface DispatchedConnection extends StreamHost {
  readonly role: 'client' | 'server';
  readonly closed: boolean;
  readonly streams: Map<number, Http2Stream>;
  readonly window: ReceiveWindow;
  readonly events: PeerEvents;
  lastRemoteId: number;
  readonly lastLocalId: number;
  pong(): void;
  destroy(error: AppError): void;
}

/**
 * Does what each of a peer's frames asks of a connection and its streams. An error that it throws ends the connection.
 */
export class FrameDispatcher implements FrameSink {
  private readonly headerBlocks = new HeaderBlocks();
  private readonly decoder = new HpackDecoder(HEADER_LIST_BYTES_MAX);
  private isReady = false;
  private readonly resets: ResetAllowance;
  /**
   * The stream of the DATA frame that is coming; undefined once the stream was closed, whose further bytes are dropped.
   */
  private dataStream: Http2Stream | undefined;

  constructor(
    private readonly connection: DispatchedConnection,
    clock: Clock,
  ) {
    this.resets = new ResetAllowance(clock);
  }

  onFrame(header: FrameHeader, payload: Buffer): void {
    if (this.connection.closed) return;
    this.checkOrder(header);
    switch (header.type) {
      case FRAME_TYPE.headers:
      case FRAME_TYPE.continuation: {
        const block = this.headerBlocks.add(header, payload);
        return block === undefined ? undefined : this.onHeaders(block);
      }
      case FRAME_TYPE.rstStream:
        return this.onReset(header, payload);
      case FRAME_TYPE.settings:
        return this.onSettings(header, payload);
      case FRAME_TYPE.ping:
        return this.onPing(header, payload);
      case FRAME_TYPE.goaway:
        return this.onGoaway(payload);
      case FRAME_TYPE.windowUpdate:
        return this.onWindowUpdate(header, payload);
      case FRAME_TYPE.pushPromise:
        throw protocolError('a push, which was not asked for');
    }
  }

  onDataStart(header: FrameHeader): void {
    const { connection } = this;
    if (connection.closed) return;
    this.checkOrder(header);
    this.checkKnown(header.streamId);
    const stream = connection.streams.get(header.streamId);
    if (stream?.remoteEnded) throw streamClosedError(header.streamId);
    this.dataStream = stream;
    this.widen(0, connection.window.receive(header.bytes));
    if (stream !== undefined) this.widen(stream.id, stream.window.receive(header.bytes));
  }

  onData(chunk: Buffer): void {
    this.dataStream?.receiveData(chunk);
  }

  dataRoom(): Buffer | undefined {
    return this.dataStream?.dataRoom();
  }

  onDataPlaced(bytes: number): void {
    this.dataStream?.dataPlaced(bytes);
  }

  onDataEnd({ flags }: FrameHeader): void {
    if ((flags & FLAG.endStream) !== 0) this.dataStream?.receiveEnd();
    this.dataStream = undefined;
  }

  private checkOrder(header: FrameHeader): void {
    if (!this.isReady && header.type !== FRAME_TYPE.settings) throw protocolError('its first frame is not SETTINGS');
    this.headerBlocks.check(header);
    const ofConnection: number[] = [FRAME_TYPE.settings, FRAME_TYPE.ping, FRAME_TYPE.goaway];
    const wrong = header.streamId === 0 ? !ofConnection.includes(header.type) : ofConnection.includes(header.type);
    if (wrong && header.type !== FRAME_TYPE.windowUpdate)
      throw protocolError(`a frame of type ${header.type} on stream ${header.streamId}`);
  }

  private onHeaders({ streamId, endStream, block }: HeaderBlock): void {
    const { connection } = this;
    // Blocks of streams that are gone are decoded too: the next block may refer to them.
    const headers = this.decoder.decode(block);
    const known = connection.streams.get(streamId);
    if (known !== undefined) {
      if (known.remoteEnded) throw streamClosedError(streamId);
      // On a server all headers of a stream have come: these would be trailers, which gRPC clients do not send.
      if (connection.role === 'client') known.receiveHeaders(headers);
      if (endStream) known.receiveEnd();
      return;
    }
    if (connection.role === 'server' && streamId % 2 === 1 && streamId > connection.lastRemoteId)
      return this.openStream(streamId, headers, endStream);
    this.checkKnown(streamId);
    // An answer to a stream that we have reset may be on its way; a client that uses an id again breaks the protocol.
    if (connection.role === 'server') throw streamClosedError(streamId);
  }

  private openStream(streamId: number, headers: HeaderFields, endStream: boolean): void {
    const { connection } = this;
    connection.lastRemoteId = streamId;
    if (connection.streams.size >= CONCURRENT_STREAMS_MAX)
      return connection.sendReset({ id: streamId }, 'refusedStream');
    const stream = new Http2Stream(streamId, connection);
    connection.streams.set(streamId, stream);
    connection.events.onStream(stream, headers);
    if (endStream) stream.receiveEnd();
  }

  private onReset({ streamId }: FrameHeader, payload: Buffer): void {
    this.checkKnown(streamId);
    const code = parseUint32(payload, 'RST_STREAM');
    this.resets.take();
    this.connection.streams.get(streamId)?.close(streamReset(code));
  }

  private onSettings({ flags }: FrameHeader, payload: Buffer): void {
    const ready = !this.isReady;
    if ((flags & FLAG.ack) !== 0) {
      if (payload.length > 0 || ready) throw frameSizeError('an acknowledgement that carries or begins something');
      return;
    }
    this.isReady = true;
    this.connection.writes.applySettings(parseSettings(payload));
    this.connection.writes.control(settingsAckFrame());
    if (ready) this.connection.events.onReady();
  }

  private onPing({ flags }: FrameHeader, payload: Buffer): void {
    if (payload.length !== 8) throw frameSizeError(`PING of ${payload.length} bytes`);
    if ((flags & FLAG.ack) !== 0) this.connection.pong();
    else this.connection.writes.control(pingFrame(payload, true));
  }

  /** Closes the streams that the peer will not serve; the others may go on. */
  private onGoaway(payload: Buffer): void {
    const { lastStreamId, code, reason } = parseGoaway(payload);
    const error = connectionLost(`the peer says goodbye (code ${code}) ${reason}`.trimEnd());
    this.connection.events.onGoaway();
    if (code !== HTTP2_ERROR.noError) return this.connection.destroy(error);
    for (const [id, stream] of [...this.connection.streams]) {
      if (this.connection.role === 'client' && id > lastStreamId) stream.close(error);
    }
  }

  private onWindowUpdate({ streamId }: FrameHeader, payload: Buffer): void {
    const bytes = parseWindowUpdate(payload);
    if (bytes === 0) throw protocolError('a window widened by 0 bytes');
    if (streamId === 0) return this.connection.writes.widen(bytes);
    this.checkKnown(streamId);
    const stream = this.connection.streams.get(streamId);
    if (stream !== undefined) this.connection.writes.widen(bytes, stream.writes);
  }

  private widen(streamId: number, bytes: number): void {
    if (bytes > 0) this.connection.writes.control(windowUpdateFrame(streamId, bytes));
  }

  /** Frames of a stream that was never opened are an error; those of a stream that is gone are not. */
  private checkKnown(streamId: number): void {
    const { role, lastLocalId, lastRemoteId } = this.connection;
    const last = role === 'client' ? lastLocalId : lastRemoteId;
    if (streamId % 2 === 0 || streamId > last) throw protocolError(`stream ${streamId} was never opened`);
  }
}
