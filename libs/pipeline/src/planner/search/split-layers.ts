import type { PlanCase } from './plan-case';

/** Seconds of one micro-batch on the slowest stage, and on all of them together. */
export interface SplitTimes {
  readonly slowest: number;
  readonly total: number;
}

export interface Split extends SplitTimes {
  readonly counts: readonly number[];
}

/** What the split minimises. `total` keeps every stage within `limit`, and so puts work where devices are fast. */
export type SplitGoal = {
  /** By default memory counts. */
  readonly memory?: 'ignored';
} & ({ readonly kind: 'slowest' } | { readonly kind: 'total'; readonly limit: number });

/** The work of one entry of the dynamic program. */
const CELL_WORK = 5;

/**
 * Contiguous blocks per stage by dynamic programming over prefixes: O(blocks^2 * stages). A stage's cost is its
 * compute time on its rank's device, or Infinity when the stage does not fit the memory: with one stage per rank that
 * is exact; several stages of a rank share the memory, of which each may take an equal part here. Transfers overlap
 * with compute in every schedule, so they bound the step but not the split.
 *
 * Undefined when no split keeps the bounds.
 */
export function splitLayers(plan: PlanCase, order: readonly number[], goal: SplitGoal): Split | undefined {
  const { stages, blocks } = plan;
  const limit = goal.kind === 'total' ? goal.limit : Infinity;
  let cells = 0;
  let best = new Float64Array(blocks + 1).fill(Infinity);
  best[0] = 0;
  const starts: Int32Array[] = [];
  for (let stage = 0; stage < stages; stage++) {
    const device = order[plan.rankOf(stage)]!;
    const fits = goal.memory === 'ignored' ? () => true : memoryTest(plan, stage, device);
    const next = new Float64Array(blocks + 1).fill(Infinity);
    const from = new Int32Array(blocks + 1).fill(-1);
    for (let end = 0; end <= blocks; end++) {
      // Costs only grow with the range: the first start that breaks a bound, or is too slow by itself, ends the search.
      for (let start = end - plan.fewest(stage); start >= 0; start--) {
        cells++;
        const range = { stage, start, end };
        const seconds = plan.secondsOf(range, device);
        if (seconds > limit || (goal.kind === 'slowest' && seconds >= next[end]!) || !fits(start, end)) break;
        const cost = goal.kind === 'total' ? best[start]! + seconds : Math.max(best[start]!, seconds);
        if (cost < next[end]!) {
          next[end] = cost;
          from[end] = start;
        }
      }
    }
    best = next;
    starts.push(from);
  }
  plan.work.add(CELL_WORK * cells);
  return best[blocks] === Infinity ? undefined : timed(plan, order, traceCounts(starts, blocks));
}

/** Layers per part by the starts that a dynamic program noted for each part and each end. */
export function traceCounts(starts: readonly Int32Array[], blocks: number): number[] {
  let end = blocks;
  const counts: number[] = [];
  for (const from of starts.toReversed()) {
    const start = from[end]!;
    counts.unshift(end - start);
    end = start;
  }
  return counts;
}

function timed(plan: PlanCase, order: readonly number[], counts: readonly number[]): Split {
  const seconds = plan.ranges(counts).map((range) => plan.secondsOf(range, order[plan.rankOf(range.stage)]!));
  return {
    counts,
    slowest: seconds.reduce((most, time) => Math.max(most, time), 0),
    total: seconds.reduce((sum, time) => sum + time, 0),
  };
}

function memoryTest(plan: PlanCase, stage: number, device: number): (start: number, end: number) => boolean {
  const available = plan.availableOf(device) / plan.compiled.schedule.chunks;
  if (available === Infinity) return () => true;
  return (start, end) => plan.stageShareBytes({ stage, start, end }) <= available;
}
