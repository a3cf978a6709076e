import { exchanges } from './device-orders';
import type { CaseCost, Layout, PlanCase } from './plan-case';
import type { SearchWork } from './search-work';

export interface FoundLayout extends CaseCost {
  readonly layout: Layout;
}

/** Pairs of moves are tried up to about this number. */
const PAIRS_MAX = 4096;
/** What it costs, in units of work, to look up whether a layout was tried, and to judge one beside its simulation. */
const LOOKUP_WORK = 100;

/** A layout that fits is better, then a faster one: negative when `a` is better. */
export function compareFound(a: CaseCost, b: CaseCost): number {
  return a.overflowBytes - b.overflowBytes || a.stepSeconds - b.stepSeconds;
}

export interface RefineOptions {
  /** Whether devices are exchanged too. */
  readonly devices: boolean;
  readonly work: SearchWork;
}

/** Simulates layouts, each of them once. */
export class LayoutRefiner {
  private readonly known = new Map<string, CaseCost>();

  constructor(private readonly plan: PlanCase) {}

  evaluate(layout: Layout): FoundLayout {
    const key = `${layout.counts.join()}|${layout.order.join()}`;
    const cost = this.known.get(key) ?? this.plan.evaluate(layout);
    this.plan.work.add(LOOKUP_WORK);
    this.known.set(key, cost);
    return { layout, ...cost };
  }

  /**
   * Goes to a better neighbour until there is none, or until the work is used up. In a neighbour, a block has gone from
   * one stage to any other (the blocks between move along); with `devices` two ranks may also have exchanged devices,
   * with or without their blocks, or one may have taken an unused device. The first better neighbour is taken, since
   * there may be thousands: those that take from the slowest stages for the fastest come first. If no single move
   * helps, two at once may: chunks of one rank share its time, so that one must give for another.
   */
  refine(start: Layout, { devices, work }: RefineOptions): FoundLayout {
    let best = this.evaluate(start);
    for (;;) {
      const next =
        this.firstBetter(best, blockMoves(this.plan, best.layout), work) ??
        this.firstBetter(best, devices ? this.deviceMoves(best.layout) : [], work) ??
        this.firstBetter(best, this.pairs(best.layout), work);
      if (next === undefined) return best;
      best = next;
    }
  }

  private firstBetter(best: FoundLayout, layouts: Iterable<Layout>, work: SearchWork): FoundLayout | undefined {
    for (const layout of layouts) {
      if (work.isUsedUp) return undefined;
      const found = this.evaluate(layout);
      if (compareFound(found, best) < 0) return found;
    }
    return undefined;
  }

  private *pairs(layout: Layout): Generator<Layout> {
    if (this.plan.compiled.schedule.chunks === 1) return;
    const moves = [...blockMoves(this.plan, layout)];
    if (moves.length ** 2 > PAIRS_MAX) return;
    for (const move of moves) yield* blockMoves(this.plan, move);
  }

  private *deviceMoves({ counts, order }: Layout): Generator<Layout> {
    for (const exchanged of exchanges(order, this.plan.deviceClasses)) yield { counts, order: exchanged };
    if (this.plan.request.layersPerStage !== undefined) return;
    for (let a = 0; a < order.length; a++) {
      for (let b = a + 1; b < order.length; b++) {
        yield {
          counts: exchangedCounts(this.plan, counts, [a, b]),
          order: order.with(a, order[b]!).with(b, order[a]!),
        };
      }
    }
  }
}

function* blockMoves(plan: PlanCase, { counts, order }: Layout): Generator<Layout> {
  if (plan.request.layersPerStage !== undefined) return;
  const seconds = plan.ranges(counts).map((range) => plan.secondsOf(range, order[plan.rankOf(range.stage)]!));
  const fastestFirst = counts.map((_, stage) => stage).sort((a, b) => seconds[a]! - seconds[b]!);
  for (const from of fastestFirst.toReversed()) {
    if (counts[from]! <= plan.fewest(from)) continue;
    for (const to of fastestFirst) {
      if (to !== from) yield { counts: counts.with(from, counts[from]! - 1).with(to, counts[to]! + 1), order };
    }
  }
}

/** Exchanges the blocks of two ranks chunk by chunk, unless that empties an inner stage. */
function exchangedCounts(
  plan: PlanCase,
  counts: readonly number[],
  ranks: readonly [number, number],
): readonly number[] {
  const [a, b] = ranks.map((rank) => plan.compiled.schedule.stagesOfRank[rank]!);
  const exchanged = [...counts];
  a!.forEach((stage, chunk) => {
    exchanged[stage] = counts[b![chunk]!]!;
    exchanged[b![chunk]!] = counts[stage]!;
  });
  return exchanged.every((count, stage) => count >= plan.fewest(stage)) ? exchanged : counts;
}
