import { closeSync, openSync, readSync } from 'node:fs';

const NANOSECONDS_PER_MS = 1e6;
/** The file holds three numbers: time on a processor, time waiting for one, and turns. */
const BYTES_MAX = 128;

/**
 * Reads from the kernel how long the calling thread was on a processor, which shows what the program does, as opposed
 * to what a busy machine keeps it from doing. Only Linux tells it.
 */
export class ProcessorTime {
  private readonly file: number | undefined;
  private readonly bytes = Buffer.alloc(BYTES_MAX);

  constructor(path = '/proc/thread-self/schedstat') {
    this.file = openIfThere(path);
  }

  /** Time since the thread began, in milliseconds; undefined if the system does not tell. */
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
