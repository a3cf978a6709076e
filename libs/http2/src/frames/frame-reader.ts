import { frameSizeError, protocolError, tooMuch } from '../http2.errors';
import { DIRECT_READ_BYTES_MIN, HEADER_BLOCK_BYTES_MAX } from '../http2-limits';
import { FLAG, FRAME_HEADER_BYTES, FRAME_TYPE, type FrameHeader, PREFACE } from './frame-format';

/** Receives what a reader finds. Bytes that are handed over are valid during the call only. */
export interface FrameSink {
  /** Called for frames of all types but DATA; types that RFC 9113 does not name are skipped. */
  onFrame(header: FrameHeader, payload: Buffer): void;
  onDataStart(header: FrameHeader): void;
  /** Called with the next bytes of a DATA frame, without padding. */
  onData(chunk: Buffer): void;
  /**
   * Returns memory for the next bytes of it, so that they need not be copied there; undefined if `onData` should take
   * them.
   */
  dataRoom(): Buffer | undefined;
  /** So many bytes of that memory were filled. */
  onDataPlaced(bytes: number): void;
  onDataEnd(header: FrameHeader): void;
}

/**
 * preface -> header -> (payload | padLength? -> data -> padding | padding) -> header …: frames that are of no use are
 * skipped like padding.
 */
type State = 'preface' | 'header' | 'payload' | 'padLength' | 'data' | 'padding';

/** Cuts a connection's bytes into frames: DATA as it comes, all others as a whole. Errors end the connection. */
export class FrameReader {
  private state: State;
  /** The bytes of what came in several chunks: the preface, a header or a payload. */
  private gathered: Buffer = Buffer.alloc(0);
  private gatheredBytes = 0;
  private header: FrameHeader = { bytes: 0, type: FRAME_TYPE.data, flags: 0, streamId: 0 };
  private remainingBytes = 0;
  private paddingBytes = 0;

  constructor(
    private readonly sink: FrameSink,
    { expectPreface }: { expectPreface: boolean },
  ) {
    this.state = expectPreface ? 'preface' : 'header';
    this.gather(expectPreface ? PREFACE.length : FRAME_HEADER_BYTES);
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at += this.step(chunk, at);
  }

  /** Where the next bytes of the connection may go directly; they are then reported to `placed` instead of `push`. */
  room(): Buffer | undefined {
    if (this.state !== 'data') return undefined;
    if (this.remainingBytes < DIRECT_READ_BYTES_MIN) return undefined;
    const room = this.sink.dataRoom();
    if (room === undefined || room.length < DIRECT_READ_BYTES_MIN) return undefined;
    return room.length <= this.remainingBytes ? room : room.subarray(0, this.remainingBytes);
  }

  placed(bytes: number): void {
    this.remainingBytes -= bytes;
    this.sink.onDataPlaced(bytes);
    if (this.remainingBytes === 0) this.endData();
  }

  /** Consumes some bytes from `at` on, and returns how many. */
  private step(chunk: Buffer, at: number): number {
    switch (this.state) {
      case 'preface':
      case 'header':
      case 'payload':
        return this.take(chunk, at);
      case 'padLength':
        this.startPadded(chunk[at] as number);
        return 1;
      case 'data': {
        const bytes = Math.min(this.remainingBytes, chunk.length - at);
        this.remainingBytes -= bytes;
        this.sink.onData(chunk.subarray(at, at + bytes));
        if (this.remainingBytes === 0) this.endData();
        return bytes;
      }
      case 'padding': {
        const bytes = Math.min(this.paddingBytes, chunk.length - at);
        this.paddingBytes -= bytes;
        if (this.paddingBytes === 0) this.expect('header', FRAME_HEADER_BYTES);
        return bytes;
      }
      default:
        return this.state satisfies never;
    }
  }

  private take(chunk: Buffer, at: number): number {
    const bytes = chunk.copy(this.gathered, this.gatheredBytes, at);
    this.gatheredBytes += bytes;
    if (this.state === 'preface') this.checkPreface();
    if (this.gatheredBytes === this.gathered.length) this.complete();
    return bytes;
  }

  /** Compares the bytes so far: a client of another protocol may never send as many bytes as the preface has. */
  private checkPreface(): void {
    if (this.gathered.compare(PREFACE, 0, this.gatheredBytes, 0, this.gatheredBytes) !== 0)
      throw protocolError('its connection does not begin with the preface of HTTP/2');
  }

  private complete(): void {
    if (this.state === 'preface') return this.expect('header', FRAME_HEADER_BYTES);
    if (this.state === 'header') return this.startFrame(parseHeader(this.gathered));
    const payload = this.gathered;
    this.expect('header', FRAME_HEADER_BYTES);
    this.sink.onFrame(this.header, payload);
  }

  private startFrame(header: FrameHeader): void {
    this.header = header;
    // We allow the largest length that the field can express, so that no frame is too long as such.
    if (header.type === FRAME_TYPE.data) return this.startData();
    if (header.type > FRAME_TYPE.continuation) return this.skip(header.bytes);
    if (header.bytes > HEADER_BLOCK_BYTES_MAX) {
      const what = `a frame of type ${header.type} with ${header.bytes} bytes`;
      throw header.type === FRAME_TYPE.headers || header.type === FRAME_TYPE.continuation
        ? tooMuch(what)
        : frameSizeError(what);
    }
    this.expect('payload', header.bytes);
    if (header.bytes === 0) this.complete();
  }

  private startData(): void {
    this.remainingBytes = this.header.bytes;
    this.paddingBytes = 0;
    this.sink.onDataStart(this.header);
    if ((this.header.flags & FLAG.padded) !== 0) {
      if (this.remainingBytes === 0) throw frameSizeError('padded DATA of no bytes');
      this.state = 'padLength';
    } else if (this.remainingBytes === 0) this.endData();
    else this.state = 'data';
  }

  private startPadded(paddingBytes: number): void {
    this.remainingBytes -= 1 + paddingBytes;
    if (this.remainingBytes < 0) throw protocolError('padding longer than its frame');
    this.paddingBytes = paddingBytes;
    if (this.remainingBytes === 0) this.endData();
    else this.state = 'data';
  }

  private endData(): void {
    this.skip(this.paddingBytes);
    this.sink.onDataEnd(this.header);
  }

  private skip(bytes: number): void {
    this.paddingBytes = bytes;
    if (bytes === 0) this.expect('header', FRAME_HEADER_BYTES);
    else this.state = 'padding';
  }

  private expect(state: State, bytes: number): void {
    this.state = state;
    this.gather(bytes);
  }

  private gather(bytes: number): void {
    if (this.gathered.length !== bytes) this.gathered = Buffer.allocUnsafe(bytes);
    this.gatheredBytes = 0;
  }
}

function parseHeader(bytes: Buffer): FrameHeader {
  return {
    bytes: bytes.readUIntBE(0, 3),
    type: bytes[3] as number,
    flags: bytes[4] as number,
    // The first bit is reserved.
    streamId: bytes.readUInt32BE(5) & 0x7fffffff,
  };
}
