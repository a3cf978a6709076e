import type { Action } from '../schedule/action';
import type { Schedule } from '../schedule/schedule';

/**
 * Whether, on each stage of a lowered schedule, W of every micro-batch is the next thing that its rank computes after
 * I. The stage may then compute both together.
 */
export function weightFollowsInput({ actions, rankOfStage }: Schedule): boolean[] {
  return rankOfStage.map((rank, stage) => {
    const row = (actions[rank] ?? []).filter(isComputed);
    return row.every((action, position) => {
      if (action.stage !== stage || action.kind !== 'I') return true;
      const next = row[position + 1];
      return next?.kind === 'W' && next.stage === stage && next.microBatch === action.microBatch;
    });
  });
}

function isComputed({ kind }: Action): boolean {
  return kind === 'F' || kind === 'I' || kind === 'W' || kind === 'REDUCE' || kind === 'STEP';
}
