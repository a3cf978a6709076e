const SMALLEST_BYTES = 64 * 1024;
const IDLE_PER_SIZE_MAX = 4;

/**
 * Buffers for outgoing messages, used again: a fresh one for each message would keep the garbage collector busier than the
 * network. Sizes are powers of two.
 */
export class SendBuffers {
  private readonly idle = new Map<number, ArrayBuffer[]>();

  /** At least `bytes`, from the start of an ArrayBuffer. */
  take(bytes: number): Buffer {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, SMALLEST_BYTES)));
    return Buffer.from(this.idle.get(size)?.pop() ?? new ArrayBuffer(size));
  }

  /** What was taken, or a part of it. */
  giveBack(buffer: Buffer): void {
    const { buffer: memory } = buffer as Buffer<ArrayBuffer>;
    const idle = this.idle.get(memory.byteLength) ?? [];
    this.idle.set(memory.byteLength, idle);
    if (idle.length < IDLE_PER_SIZE_MAX) idle.push(memory);
  }
}
