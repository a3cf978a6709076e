import type { Clock } from '@millrace/core';

/** So many connections may not have shown a key yet; when one more comes, the oldest is closed. */
export const STRANGERS_MAX = 256;
/** A peer shows its key with its first bytes, so that it needs far less time than this. */
export const STRANGER_TIMEOUT_MS = 10_000;

/**
 * Every connection begins as a stranger. Strangers share a few slots, each for a short time, so that no number of them
 * keeps a peer out: a peer leaves the strangers as soon as it has shown the key of an attempt.
 */
export class StrangerSlots<Connection> {
  /** The strangers in the order in which they came, each with the function that cancels its time-out. */
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

  /** Called when the connection has shown a key or is closed. */
  remove(connection: Connection): void {
    this.strangers.get(connection)?.();
    this.strangers.delete(connection);
  }

  private endStranger(connection: Connection, reason: string): void {
    this.remove(connection);
    this.end(connection, reason);
  }
}
