import { flowControlError } from '../http2.errors';

/** How much a peer may still send: on a stream, or on all of a connection. What came is consumed at once. */
export class ReceiveWindow {
  private receivedBytes = 0;

  constructor(
    private readonly windowBytes: number,
    private readonly stepBytes: number,
  ) {}

  /** Counts a frame's bytes, and says by how much to widen the peer's window now: mostly by 0. */
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
