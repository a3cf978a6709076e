import type { CaseCost, Layout, PlanCase } from './plan-case';

export interface FoundLayout extends CaseCost {
  readonly layout: Layout;
}

/** Bounds a refinement; each round must be better than the one before, so few come near it. */
const ROUNDS_MAX = 64;
/** Pairs of moves are tried up to about so many. */
const PAIRS_MAX = 4096;

/** Fits first, then fast: negative when `a` is better. */
export function compareFound(a: CaseCost, b: CaseCost): number {
  return a.overflowBytes - b.overflowBytes || a.stepSeconds - b.stepSeconds;
}

/** Simulates layouts, each once. */
export class LayoutRefiner {
  private readonly known = new Map<string, FoundLayout>();

  constructor(private readonly plan: PlanCase) {}

  evaluate(layout: Layout): FoundLayout {
    const key = `${layout.counts.join()}|${layout.order.join()}`;
    const found = this.known.get(key) ?? { layout, ...this.plan.evaluate(layout) };
    this.known.set(key, found);
    return found;
  }

  /**
   * Takes the best neighbour until none is better: a block goes from one stage to any other (the blocks between move
   * along), and with `orders` two ranks exchange devices, with and without their blocks, or one takes an unused device.
   * Where no single move helps, two at once may: chunks of one rank share its time, so that one must give for another.
   */
  refine(start: Layout, orders: boolean): FoundLayout {
    let best = this.evaluate(start);
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const moves = blockMoves(this.plan, best.layout);
      const single = this.better(best, [...moves, ...(orders ? deviceMoves(this.plan, best.layout) : [])]);
      const next = single ?? this.better(best, this.pairs(moves));
      if (next === undefined) break;
      best = next;
    }
    return best;
  }

  private better(best: FoundLayout, layouts: Iterable<Layout>): FoundLayout | undefined {
    let next = best;
    for (const layout of layouts) {
      const found = this.evaluate(layout);
      if (compareFound(found, next) < 0) next = found;
    }
    return next === best ? undefined : next;
  }

  private *pairs(moves: readonly Layout[]): Generator<Layout> {
    if (this.plan.compiled.schedule.chunks === 1 || moves.length ** 2 > PAIRS_MAX) return;
    for (const move of moves) yield* blockMoves(this.plan, move);
  }
}

function blockMoves(plan: PlanCase, { counts, order }: Layout): Layout[] {
  if (plan.request.layersPerStage !== undefined) return [];
  return counts.flatMap((count, from) => {
    if (count <= plan.fewest(from)) return [];
    return counts.flatMap((other, to) =>
      to === from ? [] : [{ counts: counts.with(from, count - 1).with(to, other + 1), order }],
    );
  });
}

function deviceMoves(plan: PlanCase, { counts, order }: Layout): Layout[] {
  const { devices, layersPerStage } = plan.request;
  const moves: Layout[] = [];
  for (let a = 0; a < order.length; a++) {
    for (let b = a + 1; b < order.length; b++) {
      const exchanged = order.with(a, order[b]!).with(b, order[a]!);
      moves.push({ counts, order: exchanged });
      if (layersPerStage === undefined) moves.push({ counts: exchangedCounts(plan, counts, [a, b]), order: exchanged });
    }
    devices.forEach((_, device) => {
      if (!order.includes(device)) moves.push({ counts, order: order.with(a, device) });
    });
  }
  return moves;
}

/** The blocks of two ranks exchanged chunk by chunk, unless that empties an inner stage. */
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
