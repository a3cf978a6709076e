import type { Clock } from '@millrace/core';
import { connectionLost } from '../http2.errors';
import { CONNECT_TIMEOUT_MS, PING_INTERVAL_MS, PING_TIMEOUT_MS } from '../http2-limits';
import type { Http2Connection } from './http2-connection';

/**
 * connecting -> idle -> pinged -> idle …: ends a connection whose peer does not accept it or falls silent, because a
 * machine that is gone sends no farewell.
 */
export class Keepalive {
  private cancel: () => void;

  constructor(
    private readonly connection: Http2Connection,
    private readonly clock: Clock,
  ) {
    this.cancel = this.endAfter(CONNECT_TIMEOUT_MS, 'no answer to the connection');
  }

  /** The peer answered. */
  ready(): void {
    this.cancel();
    this.cancel = this.clock.after(PING_INTERVAL_MS, () => this.ping());
  }

  stop(): void {
    this.cancel();
  }

  private ping(): void {
    if (this.connection.closed) return;
    this.awaitPong(this.connection.writes.writtenCount);
    this.connection.ping(() => {
      if (!this.connection.closed) this.ready();
    });
  }

  /** On a slow network a ping waits behind what is being sent: while that progresses, the peer is there. */
  private awaitPong(writtenCount: number): void {
    this.cancel = this.clock.after(PING_TIMEOUT_MS, () => {
      const now = this.connection.writes.writtenCount;
      if (now > writtenCount) this.awaitPong(now);
      else this.connection.destroy(connectionLost('no answer to a ping'));
    });
  }

  private endAfter(delayMs: number, reason: string): () => void {
    return this.clock.after(delayMs, () => this.connection.destroy(connectionLost(reason)));
  }
}
