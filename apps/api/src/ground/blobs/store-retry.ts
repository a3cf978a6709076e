import { AppError, type Clock, sleep } from '@millrace/core';

/** How long to wait before each further try. */
const RETRY_AFTER_MS = [100, 400, 1_600];

/**
 * Tries again what the disk failed to do: an error of it may be gone a moment later, and must not cost an attempt. A
 * full disk is told at once, since it stays full.
 */
export async function againAfterDiskErrors<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (const delayMs of RETRY_AFTER_MS) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'CHECKPOINT.STORAGE_FAILED') throw error;
      await sleep(clock, delayMs);
    }
  }
  return work();
}
