import type { Clock } from '@millrace/core';

/** Connections that have shown no key yet; the oldest goes when one more comes. */
export const STRANGERS_MAX = 256;
/** A peer shows its key with its first bytes. */
export const STRANGER_TIMEOUT_MS = 10_000;

/**
 * Connections begin as strangers: they share a few slots, for a short time, so that no number of them keeps a peer out,
 * which leaves the strangers as soon as it has shown the key of an attempt.
 */
export class StrangerSlots<Connection> {
  /** In the order in which they came, with what cancels their time-out. */
  private readonly strangers = new Map<Connection, () => void>();

  constructor(
    private readonly clock: Clock,
    private readonly end: (stranger: Connection, reason: string) => void,
  ) {}

  get size(): number {
    return this.strangers.size;
  }

  add(connection: Connection): void {
    if (this.strangers.has(connection)) return;
    const seconds = STRANGER_TIMEOUT_MS / 1000;
    const cancel = this.clock.after(STRANGER_TIMEOUT_MS, () =>
      this.endStranger(connection, `it has shown no key of an attempt for ${seconds} s`),
    );
    this.strangers.set(connection, cancel);
    if (this.strangers.size <= STRANGERS_MAX) return;
    const [oldest] = this.strangers.keys();
    if (oldest !== undefined) this.endStranger(oldest, `${STRANGERS_MAX} younger connections have shown no key either`);
  }

  /** It has shown a key, or is closed. */
  remove(connection: Connection): void {
    this.strangers.get(connection)?.();
    this.strangers.delete(connection);
  }

  private endStranger(connection: Connection, reason: string): void {
    this.remove(connection);
    this.end(connection, reason);
  }
}
