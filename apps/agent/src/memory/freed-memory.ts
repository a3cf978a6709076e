import { createRequire } from 'node:module';
import type { Clock } from '@millrace/core';
import { garbageCollector } from './garbage-collector';

/** The next run of a queue may be about to start. */
const QUIET_MS = 10_000;

/** The part of koffi that is used. */
interface ForeignFunctions {
  load(library: string): { func(declaration: string): (padBytes: number) => number };
}

/**
 * What GPU threads freed goes back to the system once no thread has run for a while. glibc keeps it in small pieces
 * between others that are in use, and by itself gives back only what lies at the end: 115 MB after eight runs. Garbage
 * of the main thread, such as tensors that were received, is collected first, because it lies between those pieces.
 */
export class FreedMemory {
  private threadCount = 0;
  private cancel: (() => void) | undefined;
  private release: (() => void) | undefined;

  /** `load` is called when memory is given back for the first time: an agent that never runs loads no library. */
  constructor(
    private readonly clock: Clock,
    private readonly load: () => () => void = loadRelease,
  ) {}

  threadStarted(): void {
    this.threadCount++;
    this.cancel?.();
    this.cancel = undefined;
  }

  threadEnded(): void {
    this.threadCount--;
    if (this.threadCount === 0) this.cancel = this.clock.after(QUIET_MS, () => this.giveBack());
  }

  private giveBack(): void {
    this.release ??= this.load();
    this.release();
  }
}

function loadRelease(): () => void {
  const [collect, trim] = [garbageCollector(), glibcTrim()];
  return () => {
    collect();
    trim();
  };
}

/** Does nothing where there is no glibc, or no koffi, which is an optional package. */
function glibcTrim(): () => void {
  if (process.platform !== 'linux') return () => undefined;
  try {
    const koffi = createRequire(__filename)('koffi') as ForeignFunctions;
    const trim = koffi.load('libc.so.6').func('int malloc_trim(size_t pad)');
    return () => void trim(0);
  } catch {
    return () => undefined;
  }
}
