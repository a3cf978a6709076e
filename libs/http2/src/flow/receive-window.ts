import { flowControlError } from '../http2.errors';

/** How much a peer may still send on a stream, or on the whole connection. Bytes that have come count as consumed. */
export class ReceiveWindow {
  private receivedBytes = 0;

  constructor(
    private readonly windowBytes: number,
    private readonly stepBytes: number,
  ) {}

  /** Counts a frame's bytes, and returns by how much to widen the peer's window now, which is mostly 0. */
  receive(bytes: number): number {
    this.receivedBytes += bytes;
    if (this.receivedBytes > this.windowBytes)
      throw flowControlError(`${this.receivedBytes} bytes in a window of ${this.windowBytes}`);
    if (this.receivedBytes < this.stepBytes) return 0;
    const widenBytes = this.receivedBytes;
    this.receivedBytes = 0;
    return widenBytes;
  }
}
