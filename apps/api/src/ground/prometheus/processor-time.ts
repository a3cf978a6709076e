import { closeSync, openSync, readSync } from 'node:fs';

const NANOSECONDS_PER_MS = 1e6;
/** Three numbers: time on a processor, time waiting for one, turns. */
const BYTES_MAX = 128;

/**
 * How long the calling thread was on a processor, by the kernel's account: what a program does, as opposed to what a
 * busy machine keeps it from. Linux tells it.
 */
export class ProcessorTime {
  private readonly file: number | undefined;
  private readonly bytes = Buffer.alloc(BYTES_MAX);

  constructor(path = '/proc/thread-self/schedstat') {
    this.file = openIfThere(path);
  }

  /** In the life of the thread; undefined where nobody tells. */
  totalMs(): number | undefined {
    if (this.file === undefined) return undefined;
    const length = readSync(this.file, this.bytes, 0, BYTES_MAX, 0);
    const nanoseconds = Number.parseInt(this.bytes.toString('latin1', 0, length), 10);
    return Number.isFinite(nanoseconds) ? nanoseconds / NANOSECONDS_PER_MS : undefined;
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}
