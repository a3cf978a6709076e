import type { RunBody, StartPhase } from '@millrace/contracts';
import type { AttemptStatus, RankStatus } from '../runs/attempt-record';

/** What a rank does before its first step; undefined if it has begun that step, or is done. */
export function startPhaseOf({ state, phase = 'accepted' }: RankStatus): StartPhase | undefined {
  switch (state) {
    case 'pending':
      return 'sent';
    case 'accepted':
    case 'starting':
      return phase;
    case 'ready':
      return 'ready';
    default:
      return undefined;
  }
}

/** Ranks that have not begun their first step, by rank. `nowMs` is the database's time. */
export function startingRanks({ ranks, createdAt }: AttemptStatus, nowMs: number): RunBody['starting'] {
  return Object.entries(ranks).flatMap(([rank, status]) => {
    const phase = startPhaseOf(status);
    if (phase === undefined) return [];
    const seconds = Math.max(0, nowMs - (status.phaseSinceMs ?? createdAt.getTime())) / 1000;
    return [{ rank: Number(rank), agent: status.agent, phase, seconds }];
  });
}
