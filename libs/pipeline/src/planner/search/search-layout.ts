import { partitionLayers } from '../../partition-layers';
import { allSplits, splitCount } from './all-splits';
import { deviceOrders } from './device-orders';
import type { PlanCase } from './plan-case';
import { compareFound, type FoundLayout, LayoutRefiner } from './refine-layout';
import { seedSplits } from './seed-splits';

/** Orders of devices that are split and simulated, and those whose splits are refined. */
const ORDERS_MAX = 24;
const REFINED_MAX = 8;
/** With so few stages all of them are refined: a simulation is then short. */
const FEW_STAGES = 8;
/** Splits of an order that are simulated. */
const SEEDS_MAX = 4;
/** Where chunks share ranks and there are no more splits than this, none is left out. */
const ALL_SPLITS_MAX = 2048;
/** Layouts whose devices are exchanged too. */
const EXCHANGED_MAX = 3;

/** What the search found for one candidate. */
export interface SearchResult {
  readonly best: FoundLayout;
  /** The best of each other order of devices, best first. */
  readonly otherOrders: readonly FoundLayout[];
}

/**
 * The best layout of one candidate. Seeds come from dynamic programming for the most promising orders of devices; each
 * is moved to where no move of a block and no exchange of devices makes the simulation faster, which knows the bubble
 * as the dynamic program does not.
 */
export function searchLayout(plan: PlanCase): SearchResult {
  const { deviceOrder = 'free', reorderGain = 0, ranks } = plan.request;
  const refiner = new LayoutRefiner(plan);
  const given = Array.from({ length: ranks }, (_, rank) => rank);
  const stay = bestOfOrder(plan, refiner, given);
  if (deviceOrder === 'given') return { best: stay, otherOrders: [] };
  const orders = deviceOrders(plan, ORDERS_MAX).map(({ order }) => order);
  const seeds = orders
    .filter((order) => order.join() !== given.join())
    .map((order) => seedOfOrder(plan, refiner, order));
  const refined = seeds.sort(compareFound).slice(0, plan.stages <= FEW_STAGES ? ORDERS_MAX : REFINED_MAX);
  const finds = [stay, ...refined.map(({ layout }) => bestOfOrder(plan, refiner, layout.order))].sort(compareFound);
  const exchanged = finds.slice(0, EXCHANGED_MAX).map(({ layout }) => refiner.refine(layout, true));
  const all = [...exchanged, ...finds].sort(compareFound);
  const first = all[0] ?? stay;
  const leaves = first.overflowBytes < stay.overflowBytes || first.stepSeconds < stay.stepSeconds * (1 - reorderGain);
  const best = leaves ? first : stay;
  const others = all.filter(({ layout }) => layout.order.join() !== best.layout.order.join());
  return { best, otherOrders: bestPerOrder(others) };
}

/** Simulated as the dynamic program left it. */
function seedOfOrder(plan: PlanCase, refiner: LayoutRefiner, order: readonly number[]): FoundLayout {
  return fastest(startingCounts(plan, order).map((counts) => refiner.evaluate({ counts, order })));
}

function bestOfOrder(plan: PlanCase, refiner: LayoutRefiner, order: readonly number[]): FoundLayout {
  if (triesAllSplits(plan)) {
    return fastest([...allSplits(plan)].map((counts) => refiner.evaluate({ counts, order })));
  }
  return fastest(startingCounts(plan, order).map((counts) => refiner.refine({ counts, order }, false)));
}

/** The dynamic program sees stages alone: where a rank has several, all splits are simulated while they are few. */
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
  // One more start where the seeds are less good.
  return plan.compiled.schedule.chunks > 1 ? [...counts, evenCounts(plan)] : counts;
}

/** Even, also where there are fewer blocks than stages because the ends may be empty. */
export function evenCounts({ stages, blocks }: Pick<PlanCase, 'stages' | 'blocks'>): number[] {
  if (blocks >= stages) return partitionLayers(blocks, stages);
  const empty = stages - blocks;
  return Array.from({ length: stages }, (_, stage) => ((empty === 2 && stage === 0) || stage === stages - 1 ? 0 : 1));
}

/** Of a sorted list, the first of each order of devices. */
function bestPerOrder(finds: readonly FoundLayout[]): FoundLayout[] {
  const seen = new Set<string>();
  return finds.filter(({ layout }) => {
    const key = layout.order.join();
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
