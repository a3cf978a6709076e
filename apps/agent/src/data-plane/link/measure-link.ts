import { type Clock, sleep } from '@millrace/core';

export interface MeasuredLink {
  /** One way. */
  readonly latencySeconds: number;
  readonly bytesPerSecond: number;
}

const ROUND_TRIPS = 4;
const TRANSFERS = 3;
/** Long enough that a gigabit link shows, short enough that a slow one is not held up for seconds. */
const TRANSFER_BYTES = 2 ** 20;
/** The peer may still be starting. */
const PATIENCE_MS = 10_000;
const AGAIN_AFTER_MS = 250;
const PROBE_MS_MAX = 5000;
const MS_PER_SECOND = 1000;
/** A link that is faster than the clock can tell. */
const TRANSFER_MS_MIN = 1e-3;

/**
 * Latency and bandwidth of a link: the shortest of a few round trips without bytes, and of a few with a mebibyte, for
 * what delays one of them is not the link. Undefined when the peer cannot be reached in time.
 */
export async function measureLink(
  probe: (byteCount: number) => Promise<void>,
  clock: Clock,
): Promise<MeasuredLink | undefined> {
  if (!(await reached(probe, clock))) return undefined;
  const roundTripMs = await shortestMs(() => probe(0), { count: ROUND_TRIPS, clock });
  const transferMs = await shortestMs(() => probe(TRANSFER_BYTES), { count: TRANSFERS, clock });
  if (roundTripMs === undefined || transferMs === undefined) return undefined;
  return {
    latencySeconds: roundTripMs / 2 / MS_PER_SECOND,
    bytesPerSecond: (TRANSFER_BYTES / Math.max(transferMs - roundTripMs, TRANSFER_MS_MIN)) * MS_PER_SECOND,
  };
}

/** Opens the connection, too. */
async function reached(probe: (byteCount: number) => Promise<void>, clock: Clock): Promise<boolean> {
  const untilMs = clock.monotonicMs() + PATIENCE_MS;
  do {
    if ((await timed(() => probe(0), clock)) !== undefined) return true;
    await sleep(clock, AGAIN_AFTER_MS);
  } while (clock.monotonicMs() < untilMs);
  return false;
}

async function shortestMs(
  work: () => Promise<void>,
  { count, clock }: { readonly count: number; readonly clock: Clock },
): Promise<number | undefined> {
  let shortest: number | undefined;
  for (let index = 0; index < count; index++) {
    const ms = await timed(work, clock);
    if (ms === undefined) return shortest;
    shortest = Math.min(shortest ?? ms, ms);
  }
  return shortest;
}

/** Undefined when it failed or took too long. */
async function timed(work: () => Promise<void>, clock: Clock): Promise<number | undefined> {
  const startMs = clock.monotonicMs();
  const done = work().then(
    () => true,
    () => false,
  );
  const ok = await Promise.race([done, sleep(clock, PROBE_MS_MAX).then(() => false)]);
  return ok ? clock.monotonicMs() - startMs : undefined;
}
