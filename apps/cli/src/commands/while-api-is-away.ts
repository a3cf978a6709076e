import { AppError, type Clock, sleep } from '@millrace/core';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;

export interface AwayOptions {
  readonly clock: Clock;
  /** Called once, when the first try fails. */
  readonly onAway: (error: AppError) => void;
}

/**
 * Repeats `work` for a minute while no API answers, or while the API is not ready (503): `millrace up` restarts a dead
 * API in less time, and whoever follows a run should not have to do anything. Every other error is thrown at once.
 */
export async function whileApiIsAway<T>(work: () => Promise<T>, { clock, onAway }: AwayOptions): Promise<T> {
  const sinceMs = clock.monotonicMs();
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'unavailable') throw error;
      if (clock.monotonicMs() - sinceMs > PATIENCE_MS) throw error;
      if (tries === 1) onAway(error);
      await sleep(clock, PAUSE_MS);
    }
  }
}
