import type { PlanCase } from './plan-case';
import type { SearchWork } from './search-work';
import { estimateStep } from './seed-splits';
import { splitLayers } from './split-layers';

/** Up to so many choices and orders are tried one by one; if there are more, good ones are grown by exchanges. */
const EXHAUSTIVE_MAX = 720;
/** The most orders that are tried while growing: each needs a dynamic program. */
const GROWN_MAX = 600;

export interface RankedOrder {
  readonly order: readonly number[];
  /** Estimated seconds, or Infinity when no split fits. */
  readonly estimate: number;
}

/**
 * Orders of devices to ranks, best estimate first; equal ones in the order in which devices are given. Devices that no
 * number distinguishes form one class, of which any will do. If there are few arrangements of classes all of them are
 * returned, else those that exchanges reach from several starts. If the work is used up, those that were estimated
 * until then are returned.
 */
export function deviceOrders(plan: PlanCase, keptCount: number, work: SearchWork): RankedOrder[] {
  const { ranks, devices, deviceOrder = 'free' } = plan.request;
  const given = devices.slice(0, ranks).map((_, index) => index);
  if (deviceOrder === 'given') return [ranked(plan, given)];
  const classes = plan.deviceClasses;
  const all = arrangements(classes, ranks);
  const orders = all === undefined ? grown(plan, given, { classes, work }) : estimated(plan, all, work);
  return orders.sort(compareEstimates).slice(0, keptCount);
}

export function compareEstimates(a: RankedOrder, b: RankedOrder): number {
  return a.estimate === b.estimate ? 0 : a.estimate < b.estimate ? -1 : 1;
}

function ranked(plan: PlanCase, order: readonly number[]): RankedOrder {
  const split = splitLayers(plan, order, { kind: 'slowest' });
  return { order, estimate: split === undefined ? Infinity : estimateStep(plan, order, split) };
}

function estimated(plan: PlanCase, orders: readonly (readonly number[])[], work: SearchWork): RankedOrder[] {
  const found: RankedOrder[] = [];
  for (const order of orders) {
    if (work.isUsedUp) break;
    found.push(ranked(plan, order));
  }
  return found;
}

/**
 * Every arrangement in lexical order, in which the next device of a class is always the first one left; undefined if
 * there are too many.
 */
function arrangements(classes: readonly number[], ranks: number): number[][] | undefined {
  const found: number[][] = [];
  const extend = (chosen: readonly number[]): void => {
    if (chosen.length === ranks) {
      found.push([...chosen]);
      return;
    }
    const tried = new Set<number>();
    classes.forEach((group, device) => {
      if (found.length > EXHAUSTIVE_MAX || tried.has(group) || chosen.includes(device)) return;
      tried.add(group);
      extend([...chosen, device]);
    });
  };
  extend([]);
  return found.length > EXHAUSTIVE_MAX ? undefined : found;
}

interface Growth {
  readonly classes: readonly number[];
  readonly work: SearchWork;
}

function grown(plan: PlanCase, given: readonly number[], { classes, work }: Growth): RankedOrder[] {
  const found = new Map<string, RankedOrder>();
  const rank = (order: readonly number[]): RankedOrder => {
    const key = order.map((device) => classes[device]).join();
    const entry = found.get(key) ?? ranked(plan, order);
    found.set(key, entry);
    return entry;
  };
  const firstBetter = (current: RankedOrder): RankedOrder | undefined => {
    for (const order of exchanges(current.order, classes)) {
      if (found.size >= GROWN_MAX || work.isUsedUp) return undefined;
      const next = rank(order);
      if (compareEstimates(next, current) < 0) return next;
    }
    return undefined;
  };
  // The best start grows first; what it leaves of the budget is for the others.
  for (const start of starts(plan, given).map(rank).sort(compareEstimates)) {
    let best: RankedOrder | undefined = start;
    while (best !== undefined) best = firstBetter(best);
  }
  return [...found.values()];
}

/** The given order, the fastest devices in falling and in rising speed, and the largest memories first. */
function starts(plan: PlanCase, given: readonly number[]): number[][] {
  const { devices, ranks } = plan.request;
  const whole = { stage: 0, start: 0, end: plan.blocks };
  const seconds = devices.map((_, device) => plan.secondsOf(whole, device));
  const memory = devices.map((_, device) => plan.availableOf(device));
  const all = devices.map((_, device) => device);
  const fastest = all.toSorted((a, b) => seconds[a]! - seconds[b]!).slice(0, ranks);
  // Infinity - Infinity is no number, so no subtraction.
  const roomiest = fastest.toSorted((a, b) => (memory[a]! > memory[b]! ? -1 : memory[a]! < memory[b]! ? 1 : 0));
  return [[...given], fastest, fastest.toReversed(), roomiest];
}

/** Two ranks exchange devices that differ, or a rank takes a device that differs and is not in use. */
export function* exchanges(order: readonly number[], classes: readonly number[]): Generator<number[]> {
  const used = new Set(order);
  const spare = classes.flatMap((_, device) => (used.has(device) ? [] : [device]));
  const oneOfEach = spare.filter(
    (device, index) => spare.findIndex((other) => classes[other] === classes[device]) === index,
  );
  for (let a = 0; a < order.length; a++) {
    for (let b = a + 1; b < order.length; b++) {
      if (classes[order[a]!] !== classes[order[b]!]) yield order.with(a, order[b]!).with(b, order[a]!);
    }
    for (const device of oneOfEach) if (classes[order[a]!] !== classes[device]) yield order.with(a, device);
  }
}
