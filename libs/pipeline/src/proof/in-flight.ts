import type { Cell } from '../schedule/cell';
import type { Schedule } from '../schedule/schedule';

/** The peak number of micro-batches in flight per rank; one unit is one micro-batch through a rank's whole share. */
export interface PeakMicroBatches {
  /** From F to the end of I: what backward for the input needs. */
  readonly untilInput: readonly number[];
  /** From F to the end of W: what must be kept if W needs anything of the forward. */
  readonly untilWeight: readonly number[];
}

export function peakMicroBatches(lowered: Schedule): PeakMicroBatches {
  const peaks = (end: 'I' | 'W'): number[] =>
    lowered.actions.map((_, rank) => largest(countsInFlight(lowered, rank, end)) / lowered.chunks);
  return { untilInput: peaks('I'), untilWeight: peaks('W') };
}

/** The first cell at which a rank holds more (stage, micro-batch) pairs than `inFlightLimit` allows. */
export function firstBeyondLimit(lowered: Schedule): Cell | undefined {
  for (let rank = 0; rank < lowered.ranks; rank++) {
    const limit = lowered.inFlightLimit[rank] ?? 0;
    const position = countsInFlight(lowered, rank, 'W').findIndex((count) => count > limit);
    if (position >= 0) return { rank, position };
  }
  return undefined;
}

/** After each cell of the rank's list, the number of pairs that have begun F and not ended `end`. */
function countsInFlight(lowered: Schedule, rank: number, end: 'I' | 'W'): number[] {
  let count = 0;
  return (lowered.actions[rank] ?? []).map((action) => {
    if (action.kind === 'F') count += 1;
    if (action.kind === end) count -= 1;
    return count;
  });
}

/** Not Math.max(...), because a row may have more cells than a call can take arguments. */
function largest(counts: readonly number[]): number {
  return counts.reduce((most, count) => Math.max(most, count), 0);
}
