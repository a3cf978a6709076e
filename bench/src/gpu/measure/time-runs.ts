import type { Clock } from '@millrace/core';
import type { Backend } from '@millrace/runtime';
import { median } from '../../measurement';

const ROUNDS = 5;
const ROUNDS_MIN = 3;
const REPEATS_MAX = 4096;
/** Of what a round is expected to take, so much is slept: a software driver needs the cores on which a wait polls. */
const SLEPT_PART = 0.6;

export interface Timing {
  /** Median of the rounds. */
  readonly ms: number;
  readonly rounds: number;
}

export interface TimedWork {
  readonly clock: Clock;
  /** A round is so long that the round trip of a submission does not count. */
  readonly roundMs: number;
  /** Measures less than ROUNDS rounds if they would end later than this. */
  readonly untilMs: number;
  enqueue(): void;
}

/** Milliseconds of what `enqueue` enqueues, repeated without a pause; the first run warms up. */
export async function timeRuns(backend: Backend, { clock, roundMs, untilMs, enqueue }: TimedWork): Promise<Timing> {
  const round = async (repeats: number, expectedMs: number): Promise<number> => {
    const startMs = clock.monotonicMs();
    for (let index = 0; index < repeats; index++) enqueue();
    await backend.finish(SLEPT_PART * repeats * expectedMs);
    return (clock.monotonicMs() - startMs) / repeats;
  };
  await round(1, 0);
  // Of two, since a single late one would be slept through ever after.
  const fastest = async (repeats: number): Promise<number> =>
    Math.min(await round(repeats, 0), await round(repeats, 0));
  let repeats = 1;
  let ms = await fastest(repeats);
  while (ms * repeats < roundMs && repeats < REPEATS_MAX && clock.monotonicMs() < untilMs) {
    const wanted = Math.ceil((1.2 * roundMs) / Math.max(ms, 1e-3));
    repeats = Math.min(REPEATS_MAX, Math.max(2 * repeats, Math.min(16 * repeats, wanted)));
    ms = await fastest(repeats);
  }
  const times: number[] = [];
  while (times.length < ROUNDS) {
    const nowMs = clock.monotonicMs();
    const least = times.length >= ROUNDS_MIN ? nowMs + ms * repeats : nowMs;
    if (times.length > 0 && least > untilMs) break;
    times.push(await round(repeats, ms));
  }
  return { ms: median(times), rounds: times.length };
}
