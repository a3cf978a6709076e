import type { Schedule } from '../schedule/schedule';

/**
 * How many slots a ring needs, per stage, so that micro-batch j may own slot j mod count. More than the peak where
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

/** The most that the micro-batches which are alive at once lie apart, both ends counted. */
function largestSpan(lowered: Schedule, stage: number, begin: 'F' | 'I'): number {
  const list = (lowered.actions[lowered.rankOfStage[stage] ?? 0] ?? []).filter((action) => action.stage === stage);
  // Ends come once or twice (W and SEND_B, in either order): the last one counts.
  const ends = new Map<number, number>();
  list.forEach(({ kind, microBatch }, position) => {
    if (kind === 'W' || kind === 'SEND_B') ends.set(microBatch, position);
  });
  const alive = new Set<number>();
  let span = 1;
  list.forEach(({ kind, microBatch }, position) => {
    if (kind === begin) {
      alive.add(microBatch);
      span = Math.max(span, extent(alive));
    }
    if (ends.get(microBatch) === position) alive.delete(microBatch);
  });
  return span;
}

function extent(numbers: ReadonlySet<number>): number {
  let [least, most] = [Infinity, -Infinity];
  for (const number of numbers) {
    least = Math.min(least, number);
    most = Math.max(most, number);
  }
  return most - least + 1;
}
