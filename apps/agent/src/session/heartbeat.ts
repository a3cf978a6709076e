import type { Clock } from '@millrace/core';

/**
 * Fires at a fixed rate on the thread of the sockets, and measures how late it fires: if it is late, so is the lease.
 */
export class Heartbeat {
  private cancel: () => void = () => undefined;
  private dueMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onBeat: (latenessMs: number) => void,
  ) {}

  /** Begins, or goes on with another interval. */
  start(intervalMs: number): void {
    this.cancel();
    this.dueMs = this.clock.monotonicMs() + intervalMs;
    this.arm(intervalMs);
  }

  stop(): void {
    this.cancel();
  }

  private arm(intervalMs: number): void {
    this.cancel = this.clock.after(Math.max(0, this.dueMs - this.clock.monotonicMs()), () => {
      const nowMs = this.clock.monotonicMs();
      const latenessMs = nowMs - this.dueMs;
      // After a long stop the beats that were missed are left out.
      this.dueMs = latenessMs > intervalMs ? nowMs + intervalMs : this.dueMs + intervalMs;
      this.arm(intervalMs);
      this.onBeat(latenessMs);
    });
  }
}
