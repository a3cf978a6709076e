import { flag } from './dimension';
import type { AxisCut } from './kernel';

/** Cuts the axis of a sum: each part adds its sum to what the parts before it left, which rounds other than one sum. */
export function accumulatingCut(axis: string): AxisCut {
  return {
    axis,
    sums: true,
    part: (dims, { first }) => ({ accumulate: first > 0 ? 1 : flag(dims, 'accumulate') }),
  };
}
