import { type Clock, sleep, within } from '@millrace/core';

export interface MeasuredLink {
  /** The time that a message takes one way. */
  readonly latencySeconds: number;
  readonly bytesPerSecond: number;
}

const ROUND_TRIPS = 4;
const TRANSFERS = 3;
/** So many bytes show the speed of a gigabit link, and do not hold up a slow one for seconds. */
const TRANSFER_BYTES = 2 ** 20;
/** How long to try: the peer may still be starting. */
const PATIENCE_MS = 10_000;
const AGAIN_AFTER_MS = 250;
const PROBE_MS_MAX = 5000;
const MS_PER_SECOND = 1000;
/** The shortest time that counts, for a link that is faster than the clock can tell. */
const TRANSFER_MS_MIN = 1e-3;

/**
 * Measures latency and bandwidth of a link by the shortest of a few round trips without bytes, and of a few with a
 * mebibyte: what makes the others longer is not the link. Undefined when the peer cannot be reached in time.
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

/**
 * Resolves with whether the peer answers. The first probe opens the connection, which the measurement must not include.
 */
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

/** How long `work` took, in milliseconds; undefined when it failed or took too long. */
async function timed(work: () => Promise<void>, clock: Clock): Promise<number | undefined> {
  const startMs = clock.monotonicMs();
  const done = work().then(
    () => true,
    () => false,
  );
  const ok = await within(clock, PROBE_MS_MAX, { work: done, late: () => false });
  return ok ? clock.monotonicMs() - startMs : undefined;
}
