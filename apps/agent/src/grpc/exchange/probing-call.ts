import { status } from '@grpc/grpc-js';
import { type AppError, describeError } from '@millrace/core';
import type { HeaderFields, Http2Connection, Http2Stream, StreamEvents } from '@millrace/http2';
import { fromServiceError } from '../grpc-errors';
import { answeredStatus, encodeBallast } from './exchange-protocol';

/**
 * The calling end of StageService.Probe: it sends its bytes at once, and is over when the peer has received them all.
 */
export class ProbingCall implements StreamEvents {
  private stream: Http2Stream | undefined;
  private resolve: () => void = () => undefined;
  private reject: (error: AppError) => void = () => undefined;

  constructor(private readonly what: string) {}

  open(connection: Http2Connection, headers: HeaderFields, byteCount: number): Promise<void> {
    return new Promise((resolve, reject: (error: AppError) => void) => {
      this.resolve = resolve;
      this.reject = reject;
      this.stream = connection.request(headers, this);
      this.stream.write([encodeBallast(byteCount)]);
      this.stream.end();
    });
  }

  onHeaders(headers: HeaderFields): void {
    const answered = answeredStatus(headers, this.what);
    if (answered === undefined) return;
    if (answered === 'ok') this.resolve();
    else this.reject(answered);
    this.stream?.finish();
  }

  onData(): void {
    // Nothing is said but the status.
  }

  dataRoom(): undefined {
    return undefined;
  }

  onDataPlaced(): void {
    // Nothing is placed where there is no room.
  }

  onEnd(): void {
    this.onClosed();
  }

  onClosed(error?: Error): void {
    const details = error === undefined ? 'the call ended without a status' : describeError(error);
    this.reject(fromServiceError({ code: status.UNAVAILABLE, details }, this.what));
  }
}
