/** Memory of smaller messages is not worth keeping. */
const KEPT_BYTES_MIN = 32 * 1024;
const KEPT_BYTES_MAX = 128 * 2 ** 20;
/**
 * Sizes are rounded up to this, since headers of one tensor's messages differ by a few bytes, which should not matter.
 */
const STEP_BYTES = 512;

/**
 * Keeps the memory of messages that were taken for the next ones. Steps move tensors of the same sizes again and again,
 * and fresh memory costs more than the rest of their journey (page faults, and garbage collections for a few large
 * buffers). Whoever gives memory back must not touch it again.
 */
export class MessageMemory {
  private readonly kept = new Map<number, Set<ArrayBuffer>>();
  private keptBytes = 0;

  /** Returns memory of at least `bytes` and less than STEP_BYTES more; its old content is not cleared. */
  take(bytes: number): ArrayBuffer {
    const capacity = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
    const fitting = this.kept.get(capacity);
    const [buffer] = fitting ?? [];
    // Memory of Node's pool cannot be used: a message goes to another thread together with its memory.
    if (buffer === undefined) return Buffer.allocUnsafeSlow(capacity).buffer;
    fitting?.delete(buffer);
    this.keptBytes -= capacity;
    return buffer;
  }

  /** Takes memory back; memory that did not come from here, or was moved to another thread, is left alone. */
  give(buffer: ArrayBuffer): void {
    const bytes = buffer.byteLength;
    if (bytes < KEPT_BYTES_MIN || bytes > KEPT_BYTES_MAX || bytes % STEP_BYTES !== 0) return;
    // Sizes change with the attempt: memory in the sizes of an old one must not be kept for ever.
    if (this.keptBytes + bytes > KEPT_BYTES_MAX) this.clear();
    const fitting = this.kept.get(bytes) ?? new Set();
    if (fitting.has(buffer)) return;
    this.kept.set(bytes, fitting.add(buffer));
    this.keptBytes += bytes;
  }

  /** Lets go of all memory that is kept. */
  clear(): void {
    this.kept.clear();
    this.keptBytes = 0;
  }
}
