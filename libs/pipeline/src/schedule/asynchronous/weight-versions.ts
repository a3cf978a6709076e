import type { WeightUpdates } from '../schedule';

export interface VersionPlace {
  readonly updates: WeightUpdates;
  /** p */
  readonly ranks: number;
  readonly rank: number;
  /** Counted from the start of the run, across steps. */
  readonly microBatch: number;
}

/**
 * The weight version (version u = weights after u updates) that F, I and W of a micro-batch use on a rank; its gradient
 * is added to the newest weights. Counted within the step for a schedule that flushes, where it is always 0.
 *
 *   stash          max(0, t - (p-1-r))   the newest when F runs, kept until W (PipeDream, Narayanan et al. 2019)
 *   vertical       max(0, t - (p-1))     the one that rank 0 used, on every rank
 *   double-buffer  max(0, b - 1)         of update b, one old everywhere (PipeDream-2BW, Narayanan et al. 2021)
 */
export function weightVersion({ updates, ranks, rank, microBatch }: VersionPlace): number {
  const update = Math.floor(microBatch / updates.microBatches);
  switch (updates.mode) {
    case 'flush':
      return 0;
    case 'stash':
      return Math.max(0, update - (ranks - 1 - rank));
    case 'vertical':
      return Math.max(0, update - (ranks - 1));
    case 'double-buffer':
      return Math.max(0, update - 1);
    default:
      return updates.mode satisfies never;
  }
}

/** The most versions that a rank holds at once, counting the newest: warm-up + 1 with stashing. */
export function weightVersionsKept({ updates, ranks, rank }: Omit<VersionPlace, 'microBatch'>): number {
  switch (updates.mode) {
    case 'flush':
      return 1;
    case 'stash':
      return ranks - rank;
    case 'vertical':
      return ranks;
    case 'double-buffer':
      return 2;
    default:
      return updates.mode satisfies never;
  }
}
