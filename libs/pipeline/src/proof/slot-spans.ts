import type { Action } from '../schedule/action';
import type { Schedule } from '../schedule/schedule';

/**
 * How many slots a ring needs per stage so that micro-batch j may own slot j mod count. It is more than the peak if
 * micro-batches are not taken in ascending order.
 */
export interface SlotSpans {
  /** For what is kept from F to the end of W. */
  readonly fromForward: readonly number[];
  /** For what is kept from I until W is done and the gradient has left. */
  readonly fromInput: readonly number[];
}

/** The spans of a lowered schedule. */
export function slotSpans(lowered: Schedule): SlotSpans {
  const spans = (begin: 'F' | 'I'): number[] =>
    Array.from({ length: lowered.stages }, (_, stage) => largestSpan(lowered, stage, begin));
  return { fromForward: spans('F'), fromInput: spans('I') };
}

/** The largest distance between micro-batches that are alive at once, counting both. */
function largestSpan(lowered: Schedule, stage: number, begin: 'F' | 'I'): number {
  const list = lowered.actions[lowered.rankOfStage[stage] ?? 0] ?? [];
  const alive = new Set<number>();
  let span = 1;
  // What the neighbouring stage of the same rank hands over lies in this stage's slot before its own F or I.
  const handOver = begin === 'F' ? { kind: 'LOCAL_F', stage: stage - 1 } : { kind: 'LOCAL_B', stage: stage + 1 };
  const ends = lastUses(list, stage);
  list.forEach((action, position) => {
    const { kind, microBatch } = action;
    const own = action.stage === stage;
    if ((own && kind === begin) || (kind === handOver.kind && action.stage === handOver.stage)) {
      alive.add(microBatch);
      span = Math.max(span, extent(alive));
    }
    if (own && ends.get(microBatch) === position) alive.delete(microBatch);
  });
  return span;
}

/**
 * The position of each micro-batch's last action on the stage: its W, or the action that takes its gradient to the
 * stage before.
 */
function lastUses(list: readonly Action[], stage: number): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  list.forEach((action, position) => {
    const { kind, microBatch } = action;
    const uses = kind === 'W' || kind === 'SEND_B' || kind === 'LOCAL_B';
    if (uses && action.stage === stage) ends.set(microBatch, position);
  });
  return ends;
}

function extent(numbers: ReadonlySet<number>): number {
  let [least, most] = [Infinity, -Infinity];
  for (const number of numbers) {
    least = Math.min(least, number);
    most = Math.max(most, number);
  }
  return most - least + 1;
}
