import { AppError, type Clock, sleep } from '@millrace/core';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;

export interface AwayOptions {
  readonly clock: Clock;
  /** Told once, when the first try fails. */
  readonly onAway: (error: AppError) => void;
}

/**
 * Does `work` again while no API answers, or one that is not ready (503), for a minute: `millrace up` starts a dead one
 * again in less, and whoever follows a run should not have to. Everything else is thrown at once.
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
