/**
 * How long to wait before each further try. Together the waits are half a minute: an API that restarts is back by then.
 */
export const RETRY_WAITS_MS = [300, 700, 1_500, 3_000, 5_000, 8_000, 10_000] as const;

const wait = (ms: number): Promise<void> => new Promise((resolve) => window.setTimeout(resolve, ms));

/** Fetches again after a failure, with waits that grow; rejects with the last failure. */
export async function fetchPatiently<T>(fetchOnce: () => Promise<T>, pause = wait): Promise<T> {
  for (const waitMs of RETRY_WAITS_MS) {
    try {
      return await fetchOnce();
    } catch {
      await pause(waitMs);
    }
  }
  return fetchOnce();
}
