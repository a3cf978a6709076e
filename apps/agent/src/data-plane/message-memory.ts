/** Smaller messages are not worth the keeping. */
const KEPT_BYTES_MIN = 32 * 1024;
const KEPT_BYTES_MAX = 128 * 2 ** 20;
/** Headers of a tensor's messages differ by a few bytes: they fit into the same memory. */
const STEP_BYTES = 512;

/**
 * Memory of messages that were taken, for the next ones: steps move tensors of the same sizes again and again, and
 * fresh memory costs more than all else on their way (page faults, and garbage collections for the sake of a few large
 * buffers). Whoever gives memory back must not touch it again.
 */
export class MessageMemory {
  private readonly kept = new Map<number, Set<ArrayBuffer>>();
  private keptBytes = 0;

  /** At least `bytes`, and less than STEP_BYTES more; what is in it is not cleared. */
  take(bytes: number): ArrayBuffer {
    const capacity = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
    const fitting = this.kept.get(capacity);
    const [buffer] = fitting ?? [];
    // Not from Node's pool: it goes to another thread with its memory.
    if (buffer === undefined) return Buffer.allocUnsafeSlow(capacity).buffer;
    fitting?.delete(buffer);
    this.keptBytes -= capacity;
    return buffer;
  }

  /** Memory that did not come from here, or changed threads, is left alone. */
  give(buffer: ArrayBuffer): void {
    const bytes = buffer.byteLength;
    if (bytes < KEPT_BYTES_MIN || bytes > KEPT_BYTES_MAX || bytes % STEP_BYTES !== 0) return;
    // Sizes change with the attempt: those of an old one must not stay for ever.
    if (this.keptBytes + bytes > KEPT_BYTES_MAX) this.clear();
    const fitting = this.kept.get(bytes) ?? new Set();
    if (fitting.has(buffer)) return;
    this.kept.set(bytes, fitting.add(buffer));
    this.keptBytes += bytes;
  }

  private clear(): void {
    this.kept.clear();
    this.keptBytes = 0;
  }
}
