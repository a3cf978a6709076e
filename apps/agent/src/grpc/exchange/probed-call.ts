import type { Http2Stream, StreamEvents } from '@millrace/http2';
import { messageTooLarge } from '../grpc-server.errors';
import { PROBE_BYTES_MAX, statusTrailers } from './exchange-protocol';

/** The answering end of StageService.Probe: it discards what comes, and ends when the caller does. */
export class ProbedCall implements StreamEvents {
  private receivedBytes = 0;

  constructor(
    private readonly stream: Http2Stream,
    private readonly onOver: () => void,
  ) {}

  onHeaders(): void {
    // A client's headers came with the stream.
  }

  onData(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    if (this.receivedBytes <= PROBE_BYTES_MAX) return;
    this.stream.end(statusTrailers(messageTooLarge(this.receivedBytes, PROBE_BYTES_MAX, false)), { andReset: true });
  }

  /** The bytes are discarded, so that they need no memory of their own. */
  dataRoom(): undefined {
    return undefined;
  }

  onDataPlaced(): void {
    // Nothing is placed where there is no room.
  }

  onEnd(): void {
    this.stream.end(statusTrailers());
  }

  onClosed(): void {
    this.onOver();
  }
}
