import { partitionLayers } from '../../partition-layers';
import { allSplits, splitCount } from './all-splits';
import { deviceOrders } from './device-orders';
import type { PlanCase } from './plan-case';
import { compareFound, type FoundLayout, LayoutRefiner } from './refine-layout';
import type { SearchWork } from './search-work';
import { seedSplits } from './seed-splits';

/** How many orders of devices are split and simulated; REFINED_MAX of them are refined. */
const ORDERS_MAX = 24;
const REFINED_MAX = 8;
/** With so few stages all orders are refined, because a simulation is then short. */
const FEW_STAGES = 8;
/** How many splits of an order are simulated. */
const SEEDS_MAX = 4;
/** If chunks share ranks and there are no more splits than this, all are tried. */
const ALL_SPLITS_MAX = 2048;
/** How many layouts have their devices exchanged too. */
const EXCHANGED_MAX = 3;

/** What the search found for one candidate. */
export interface SearchResult {
  readonly best: FoundLayout;
  /** The best of each other order of devices, best first. */
  readonly otherOrders: readonly FoundLayout[];
}

/**
 * Finds the best layout of one candidate. Seeds come from dynamic programming for the most promising orders of devices.
 * Each is moved until no move of a block and no exchange of devices makes the simulation faster, which knows the bubble
 * while the dynamic program does not. Each part of the search has a share of the candidate's work (see PlanCase): when
 * that is used up, the best so far counts.
 */
export function searchLayout(plan: PlanCase): SearchResult {
  const { deviceOrder = 'free', reorderGain = 0, ranks } = plan.request;
  const search = new OrderSearch(plan);
  const given = Array.from({ length: ranks }, (_, rank) => rank);
  if (deviceOrder === 'given') return { best: search.best(given, plan.work.share(1)), otherOrders: [] };
  const stay = search.best(given, plan.work.share(1 / 4));
  const orders = deviceOrders(plan, ORDERS_MAX, plan.work.share(1 / 4)).map(({ order }) => order);
  const others = orders.filter((order) => order.join() !== given.join());
  const seeds = search.seeds(others, plan.work.share(1 / 4)).sort(compareFound);
  const refined = seeds.slice(0, plan.stages <= FEW_STAGES ? ORDERS_MAX : REFINED_MAX);
  const finds = [
    stay,
    ...inShares(plan, {
      ...{ items: refined, fraction: 1 / 2 },
      one: ({ layout }, work) => search.best(layout.order, work),
    }),
  ].sort(compareFound);
  const exchanged = inShares(plan, {
    ...{ items: finds.slice(0, EXCHANGED_MAX), fraction: 1 },
    one: ({ layout }, work) => search.refiner.refine(layout, { devices: true, work }),
  });
  const all = [...exchanged, ...finds].sort(compareFound);
  const first = all[0] ?? stay;
  const leaves = first.overflowBytes < stay.overflowBytes || first.stepSeconds < stay.stepSeconds * (1 - reorderGain);
  const best = leaves ? first : stay;
  return {
    best,
    otherOrders: bestPerOrder(all.filter(({ layout }) => layout.order.join() !== best.layout.order.join())),
  };
}

interface Shares<Item, Result> {
  readonly items: readonly Item[];
  /** The share of the work that is left. */
  readonly fraction: number;
  readonly one: (item: Item, work: SearchWork) => Result;
}

/** Handles each item with an equal share of the work; what one item leaves is for those after it. */
function inShares<Item, Result>({ work }: PlanCase, { items, fraction, one }: Shares<Item, Result>): Result[] {
  const ours = work.share(fraction);
  return items.flatMap((item, index) => {
    if (ours.isUsedUp) return [];
    return [one(item, ours.share(1 / (items.length - index)))];
  });
}

/** Finds splits for orders of devices; the splits that it starts from are computed once for each order. */
class OrderSearch {
  readonly refiner: LayoutRefiner;
  private readonly starts = new Map<string, readonly (readonly number[])[]>();

  constructor(private readonly plan: PlanCase) {
    this.refiner = new LayoutRefiner(plan);
  }

  best(order: readonly number[], work: SearchWork): FoundLayout {
    const { plan, refiner } = this;
    const starts = this.startsOf(order);
    if (!triesAllSplits(plan)) {
      return fastest(starts.map((counts) => refiner.refine({ counts, order }, { devices: false, work })));
    }
    const finds = starts.map((counts) => refiner.evaluate({ counts, order }));
    for (const counts of allSplits(plan)) {
      if (work.isUsedUp) break;
      finds.push(refiner.evaluate({ counts, order }));
    }
    return fastest(finds);
  }

  /** For each order, the best layout of the dynamic program. */
  seeds(orders: readonly (readonly number[])[], work: SearchWork): FoundLayout[] {
    return orders.flatMap((order) => {
      if (work.isUsedUp) return [];
      return [fastest(this.startsOf(order).map((counts) => this.refiner.evaluate({ counts, order })))];
    });
  }

  private startsOf(order: readonly number[]): readonly (readonly number[])[] {
    const key = order.join();
    const starts = this.starts.get(key) ?? startingCounts(this.plan, order);
    this.starts.set(key, starts);
    return starts;
  }
}

/** The dynamic program sees only stages: if a rank has several, all splits are simulated as long as they are few. */
function triesAllSplits(plan: PlanCase): boolean {
  const isFixed = plan.request.layersPerStage !== undefined;
  return !isFixed && plan.compiled.schedule.chunks > 1 && splitCount(plan, ALL_SPLITS_MAX) <= ALL_SPLITS_MAX;
}

function fastest(finds: readonly FoundLayout[]): FoundLayout {
  return finds.reduce((best, found) => (compareFound(found, best) < 0 ? found : best));
}

function startingCounts(plan: PlanCase, order: readonly number[]): readonly (readonly number[])[] {
  const { layersPerStage } = plan.request;
  if (layersPerStage !== undefined) return [layersPerStage];
  const seeds = seedSplits(plan, order).slice(0, SEEDS_MAX);
  const counts = seeds.map((seed) => seed.counts);
  // One more start, since the seeds are less good with chunks.
  return plan.compiled.schedule.chunks > 1 ? [...counts, evenCounts(plan)] : counts;
}

/** An even split, also if there are fewer blocks than stages because the ends may be empty. */
export function evenCounts({ stages, blocks }: Pick<PlanCase, 'stages' | 'blocks'>): number[] {
  if (blocks >= stages) return partitionLayers(blocks, stages);
  const empty = stages - blocks;
  return Array.from({ length: stages }, (_, stage) => ((empty === 2 && stage === 0) || stage === stages - 1 ? 0 : 1));
}

/** The first find of each order of devices in a sorted list. */
function bestPerOrder(finds: readonly FoundLayout[]): FoundLayout[] {
  const seen = new Set<string>();
  return finds.filter(({ layout }) => {
    const key = layout.order.join();
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
