import type { HeaderFields } from '../http2-headers';
import { encodeHeaders } from '../hpack/hpack-encoder';
import type { Http2ErrorCode } from '../frames/frame-format';
import type { WriteScheduler } from '../flow/write-scheduler';
import { ReceiveWindow } from '../flow/receive-window';
import type { StreamWrites } from '../flow/stream-writes';
import { WINDOW_BYTES, WINDOW_STEP_BYTES } from '../http2-limits';

export interface StreamEvents {
  /**
   * Called with the headers of the response, then with its trailers. It is not called on a server, where the headers
   * open the stream.
   */
  onHeaders(headers: HeaderFields): void;
  /** Called with the next bytes, which are valid during the call only. */
  onData(chunk: Buffer): void;
  /**
   * Returns memory for the next bytes; `onDataPlaced` tells how many were put there. Undefined if `onData` should take
   * them.
   */
  dataRoom(): Buffer | undefined;
  onDataPlaced(bytes: number): void;
  /** The peer has sent everything. */
  onEnd(): void;
  /** Called exactly once, as the last event: both halves have ended, or there is an `error`. */
  onClosed(error?: Error): void;
}

/** What a stream needs from its connection. */
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
      // The peer may still be sending: its further bytes would be dropped.
      if (this.resetOnceEnded && !this.remoteEnded) this.reset('noError');
      else this.closeIfEnded();
    });
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Must be called before anything else happens to the stream. */
  listen(events: StreamEvents): void {
    this.events = events;
  }

  /** Sends headers; trailers are sent by `end`. */
  sendHeaders(headers: HeaderFields): void {
    if (!this.isClosed) this.host.writes.headers(this.id, encodeHeaders(headers), false);
  }

  /**
   * Sends the parts uncopied, in their order. `onWritten` is called when the last of them has left, and never if the
   * stream closes before.
   */
  write(parts: readonly Uint8Array[], onWritten: () => void = () => undefined): void {
    if (this.isClosed || this.writes.ending !== undefined) return;
    this.writes.add(parts, onWritten);
    this.host.writes.schedule(this.writes);
  }

  /**
   * Ends our half after what was written, with `trailers` if there are any; if no headers were sent, they are both
   * ("Trailers-Only"). `andReset` ends the peer's half too.
   */
  end(trailers?: HeaderFields, { andReset = false } = {}): void {
    if (this.isClosed || this.writes.ending !== undefined) return;
    this.resetOnceEnded = andReset;
    this.writes.ending = { trailers: trailers === undefined ? undefined : encodeHeaders(trailers) };
    this.host.writes.schedule(this.writes);
  }

  /** Drops what is not sent yet and what still comes. */
  reset(code: Http2ErrorCode): void {
    if (this.isClosed) return;
    this.host.sendReset(this, code);
    this.close();
  }

  /**
   * The peer has answered: our call ends without a reset, unless it still has bytes to send, which nobody wants any
   * more.
   */
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

  /** Called when the peer ends the stream, when its connection is lost, or when both halves have ended. */
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
