import type { HeaderFields } from '../http2-headers';
import { encodeHeaders } from '../hpack/hpack-encoder';
import type { Http2ErrorCode } from '../frames/frame-format';
import type { WriteScheduler } from '../flow/write-scheduler';
import { ReceiveWindow } from '../flow/receive-window';
import type { StreamWrites } from '../flow/stream-writes';
import { WINDOW_BYTES, WINDOW_STEP_BYTES } from '../http2-limits';

export interface StreamEvents {
  /** Of the response, then its trailers. Not called on the server's side, whose stream begins with its headers. */
  onHeaders(headers: HeaderFields): void;
  /** The next bytes, valid during the call only. */
  onData(chunk: Buffer): void;
  /** Memory for the next bytes: as many as `onDataPlaced` says were put there then. Undefined: onData takes them. */
  dataRoom(): Buffer | undefined;
  onDataPlaced(bytes: number): void;
  /** The peer has sent everything. */
  onEnd(): void;
  /** Exactly once, and the last: both halves have ended, or `error`. */
  onClosed(error?: Error): void;
}

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly writes: WriteScheduler;
  sendReset(stream: Pick<Http2Stream, 'id'>, code: Http2ErrorCode): void;
  forget(stream: Http2Stream): void;
}

/**
 * One call. Each half is open -> ended; when both have, or one end resets it, or the connection is lost, it is closed.
 */
export class Http2Stream {
  readonly window = new ReceiveWindow(WINDOW_BYTES, WINDOW_STEP_BYTES);
  readonly writes: StreamWrites;
  remoteEnded = false;
  private localEnded = false;
  private resetOnceEnded = false;
  private isClosed = false;
  private events: StreamEvents | undefined;

  constructor(
    readonly id: number,
    private readonly host: StreamHost,
  ) {
    this.writes = host.writes.open(id, () => {
      this.localEnded = true;
      // Its peer may be sending still: what it sends now would be for nobody.
      if (this.resetOnceEnded && !this.remoteEnded) this.reset('noError');
      else this.closeIfEnded();
    });
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Before anything else happens to it. */
  listen(events: StreamEvents): void {
    this.events = events;
  }

  /** Not for trailers: see `end`. */
  sendHeaders(headers: HeaderFields): void {
    if (!this.isClosed) this.host.writes.headers(this.id, encodeHeaders(headers), false);
  }

  /** Uncopied, in their order. `onWritten`: the last of them left; never, if the stream closes before. */
  write(parts: readonly Uint8Array[], onWritten: () => void = () => undefined): void {
    if (this.isClosed || this.writes.ending !== undefined) return;
    this.writes.add(parts, onWritten);
    this.host.writes.schedule(this.writes);
  }

  /**
   * After what was written, with `trailers` if there are any; without headers before, they are both ("Trailers-Only").
   * `andReset`: the peer's half too.
   */
  end(trailers?: HeaderFields, { andReset = false } = {}): void {
    if (this.isClosed || this.writes.ending !== undefined) return;
    this.resetOnceEnded = andReset;
    this.writes.ending = { trailers: trailers === undefined ? undefined : encodeHeaders(trailers) };
    this.host.writes.schedule(this.writes);
  }

  /** What is not sent yet is dropped, what still comes too. */
  reset(code: Http2ErrorCode): void {
    if (this.isClosed) return;
    this.host.sendReset(this, code);
    this.close();
  }

  /** The peer has answered: a call of ours ends without a reset, unless something that nobody wants is not sent yet. */
  finish(): void {
    if (this.isClosed || this.localEnded) return;
    if (this.writes.hasWrites || this.writes.ending !== undefined) return this.reset('cancel');
    this.end();
  }

  receiveHeaders(headers: HeaderFields): void {
    this.events?.onHeaders(headers);
  }

  receiveData(chunk: Buffer): void {
    this.events?.onData(chunk);
  }

  dataRoom(): Buffer | undefined {
    return this.isClosed ? undefined : this.events?.dataRoom();
  }

  dataPlaced(bytes: number): void {
    this.events?.onDataPlaced(bytes);
  }

  receiveEnd(): void {
    if (this.remoteEnded || this.isClosed) return;
    this.remoteEnded = true;
    this.events?.onEnd();
    this.closeIfEnded();
  }

  /** By the peer, or with its connection, or when both halves have ended. */
  close(error?: Error): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.host.writes.close(this.writes);
    this.host.forget(this);
    this.events?.onClosed(error);
  }

  private closeIfEnded(): void {
    if (this.localEnded && this.remoteEnded) this.close();
  }
}
