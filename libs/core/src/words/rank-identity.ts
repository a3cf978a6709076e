/** One rank of an attempt or of a generation, whose task then stands for the run. */
export interface RankIdentity {
  readonly runId: string;
  readonly fence: number;
  readonly rank: number;
}

/** How a certificate of the data plane names the rank that it belongs to: the one URI among its alternative names. */
export function rankUri({ runId, fence, rank }: RankIdentity): string {
  return `urn:millrace:${encodeURIComponent(runId)}:${fence}:${rank}`;
}

/** A generation has no attempts: its certificates and its streams all carry this fence. */
export const GENERATION_FENCE = 1;

/** The rank that such a URI names, if it is a rank of that attempt. */
export function rankOfUri(uri: string, attempt: Omit<RankIdentity, 'rank'>): number | undefined {
  const rank = Number(uri.slice(uri.lastIndexOf(':') + 1));
  return Number.isSafeInteger(rank) && uri === rankUri({ ...attempt, rank }) ? rank : undefined;
}
