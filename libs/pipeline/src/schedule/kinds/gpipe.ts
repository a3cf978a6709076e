import type { Action } from '../action';
import type { ScheduleShape } from './shape';

/**
 * GPipe (Huang et al. 2019): all forwards, then all backwards. p = 3, m = 3:
 *
 *   rank 0  F0 F1 F2 .. .. .. .. .. .. B0 .. B1 .. B2
 *   rank 1  .. F0 F1 F2 .. .. .. B0 .. B1 .. B2
 *   rank 2  .. .. F0 F1 F2 B0 .. B1 .. B2
 *
 * With v chunks it is looped-bfs (Lamy-Poirier 2023): all micro-batches through chunk 0, then all through chunk 1, and
 * back the same way, so that the bubble shrinks to 1/v.
 *
 * The backward runs in ascending order (the paper's is descending), so that weight gradients accumulate in the same
 * order as in every other schedule; idle time is the same.
 */
export function gpipe(rank: number, { stagesOfRank, microBatches }: ScheduleShape): Action[] {
  const stages = stagesOfRank[rank] ?? [];
  const all = (kind: 'F' | 'B', stage: number): Action[] =>
    Array.from({ length: microBatches }, (_, microBatch) => ({ kind, stage, microBatch }));
  return [...stages.flatMap((stage) => all('F', stage)), ...stages.toReversed().flatMap((stage) => all('B', stage))];
}
