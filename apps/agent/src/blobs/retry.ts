import { AppError, Backoff, type Clock, sleep } from '@millrace/core';
import { patienceOver, stoppedRetrying } from './blobs.errors';

export interface RetryOptions {
  readonly what: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Returns true when the attempt is over and nobody waits any more. */
  readonly stopped: () => boolean;
  /** How long to go on trying; where it is left out, something else ends the attempt. */
  readonly patienceMs?: number;
}

const FIRST_DELAY_MS = 200;
const DELAY_MS_MAX = 5000;

/**
 * Repeats `work` while the API is away, for as long as the attempt lives or patience lasts. Every other failure is
 * thrown.
 */
export async function retryWhileAway<T>(
  work: () => Promise<T>,
  { what, clock, random, stopped, patienceMs = Infinity }: RetryOptions,
): Promise<T> {
  const sinceMs = clock.monotonicMs();
  const backoff = new Backoff(FIRST_DELAY_MS, DELAY_MS_MAX, random);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'unavailable') throw error;
      if (stopped()) throw stoppedRetrying(what, error);
      if (clock.monotonicMs() - sinceMs >= patienceMs) throw patienceOver(what, patienceMs, error);
      await sleep(clock, backoff.nextMs());
    }
  }
}
