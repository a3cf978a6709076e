import type { Clock } from '@millrace/core';
import { tooMuch } from '../http2.errors';
import { PEER_RESETS_MAX, PEER_RESETS_PER_SECOND } from '../http2-limits';

const MS_PER_SECOND = 1000;

/**
 * Limits how many streams a peer may reset. It is a rate, since a connection lasts for weeks and any call may be reset.
 */
export class ResetAllowance {
  private used = 0;
  private lastMs: number;

  constructor(private readonly clock: Clock) {
    this.lastMs = clock.monotonicMs();
  }

  /** Counts one reset. Throws GRPC.HTTP2_PROTOCOL when there were too many lately. */
  take(): void {
    const nowMs = this.clock.monotonicMs();
    const regained = ((nowMs - this.lastMs) * PEER_RESETS_PER_SECOND) / MS_PER_SECOND;
    this.used = Math.max(0, this.used - regained) + 1;
    this.lastMs = nowMs;
    if (this.used > PEER_RESETS_MAX) throw tooMuch(`${Math.floor(this.used)} streams reset within a short time`);
  }
}
