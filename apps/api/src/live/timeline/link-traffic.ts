import type { agentV1, LinkTraffic } from '@millrace/contracts';

const MS_PER_SECOND = 1000;

interface Total {
  readonly fromRank: number;
  readonly toRank: number;
  readonly edge: string;
  frames: number;
  bytes: number;
  /** Bytes of the steps whose duration is known. */
  timedBytes: number;
}

/**
 * What crossed each link, as its sender counted it: sums over the traced steps, divided by their number and by their
 * time.
 */
export function linkTraffic(batches: readonly agentV1.TraceBatch[]): LinkTraffic[] {
  const totals = new Map<string, Total>();
  const stepsOf = new Map<number, { count: number; ms: number }>();
  for (const { rank, sent, countedMs } of batches) {
    const { count, ms } = stepsOf.get(rank) ?? { count: 0, ms: 0 };
    stepsOf.set(rank, { count: count + 1, ms: ms + countedMs });
    for (const { toRank, edge, frames, bytes } of sent) {
      const key = `${rank} ${toRank} ${edge}`;
      const total = totals.get(key) ?? { fromRank: rank, toRank, edge, frames: 0, bytes: 0, timedBytes: 0 };
      total.frames += frames;
      total.bytes += bytes;
      if (countedMs > 0) total.timedBytes += bytes;
      totals.set(key, total);
    }
  }
  return [...totals.values()]
    .map(({ frames, bytes, timedBytes, ...link }): LinkTraffic => {
      const { count, ms } = stepsOf.get(link.fromRank)!;
      const seconds = ms / MS_PER_SECOND;
      return {
        ...link,
        framesPerStep: frames / count,
        bytesPerStep: bytes / count,
        bytesPerSecond: seconds > 0 ? timedBytes / seconds : 0,
      };
    })
    .sort((a, b) => a.fromRank - b.fromRank || a.toRank - b.toRank || b.bytesPerStep - a.bytesPerStep);
}
