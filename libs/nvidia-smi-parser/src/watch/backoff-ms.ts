export interface BackoffState {
  readonly intervalMs: number;
  readonly backoffMsMax: number;
  /** Failed runs since the last good one. */
  readonly failureCount: number;
}

/** The interval; after failures twice, four times … of it up to the bound; never less than the interval. */
export function backoffMs({ intervalMs, backoffMsMax, failureCount }: BackoffState): number {
  const doubled = intervalMs * 2 ** Math.min(failureCount, 30);
  return Math.max(intervalMs, Math.min(doubled, backoffMsMax));
}
