import type { PlanCase } from './plan-case';
import { estimateStep } from './seed-splits';
import { splitLayers } from './split-layers';

/** So many choices and orders are tried one by one; beyond, good ones are grown by exchanges. */
const EXHAUSTIVE_MAX = 720;
/** Orders that are tried while growing: each takes a dynamic program. */
const GROWN_MAX = 600;

export interface RankedOrder {
  readonly order: readonly number[];
  /** Seconds, or Infinity when no split fits. */
  readonly estimate: number;
}

/**
 * Orders of devices to ranks, best estimate first; equal ones in the order in which devices are given. All of them
 * where they are few, with devices that no number tells apart tried once; else what exchanges reach from several
 * starts.
 */
export function deviceOrders(plan: PlanCase, keptCount: number): RankedOrder[] {
  const { ranks, devices, deviceOrder = 'free' } = plan.request;
  const given = devices.slice(0, ranks).map((_, index) => index);
  if (deviceOrder === 'given') return [ranked(plan, given)];
  const groups = alike(plan);
  const orders =
    arrangementCount(devices.length, ranks) <= EXHAUSTIVE_MAX || new Set(groups).size === 1
      ? arrangements(groups, ranks).map((order) => ranked(plan, order))
      : grown(plan, given);
  return orders.sort((a, b) => compareEstimates(a, b)).slice(0, keptCount);
}

export function compareEstimates(a: RankedOrder, b: RankedOrder): number {
  return a.estimate === b.estimate ? 0 : a.estimate < b.estimate ? -1 : 1;
}

function ranked(plan: PlanCase, order: readonly number[]): RankedOrder {
  const split = splitLayers(plan, order, { kind: 'slowest' });
  return { order, estimate: split === undefined ? Infinity : estimateStep(plan, order, split) };
}

function arrangementCount(devices: number, ranks: number): number {
  let count = 1;
  for (let index = 0; index < ranks && count <= EXHAUSTIVE_MAX; index++) count *= devices - index;
  return count;
}

/** A number per device: the same for devices that are alike in everything, their links included. */
function alike({ request: { devices, links } }: PlanCase): number[] {
  const text = (index: number): string => {
    const { kind, speed, memoryBytes } = devices[index]!;
    return JSON.stringify([kind, speed, memoryBytes]);
  };
  const linkText = (a: number, b: number): string => JSON.stringify([links?.[a]?.[b], links?.[b]?.[a]]);
  const same = (a: number, b: number): boolean =>
    text(a) === text(b) &&
    linkText(a, b) === linkText(b, a) &&
    devices.every((_, other) => other === a || other === b || linkText(a, other) === linkText(b, other));
  return devices.map((_, index) => devices.findIndex((_device, other) => other === index || same(other, index)));
}

/** Every arrangement in lexical order, taking of devices that are alike always the first one left. */
function arrangements(groups: readonly number[], ranks: number): number[][] {
  const found: number[][] = [];
  const extend = (chosen: readonly number[]): void => {
    if (chosen.length === ranks) {
      found.push([...chosen]);
      return;
    }
    const tried = new Set<number>();
    groups.forEach((group, device) => {
      if (chosen.includes(device) || tried.has(group)) return;
      tried.add(group);
      extend([...chosen, device]);
    });
  };
  extend([]);
  return found;
}

function grown(plan: PlanCase, given: readonly number[]): RankedOrder[] {
  const found = new Map<string, RankedOrder>();
  const rank = (order: readonly number[]): RankedOrder => {
    const key = order.join();
    const entry = found.get(key) ?? ranked(plan, order);
    found.set(key, entry);
    return entry;
  };
  // The best start grows first, and what it leaves of the budget is for the others.
  for (const start of starts(plan, given).map(rank).sort(compareEstimates)) {
    let best: RankedOrder | undefined = start;
    while (best !== undefined && found.size < GROWN_MAX) best = firstBetter(plan, best, rank);
  }
  return [...found.values()];
}

function firstBetter(
  plan: PlanCase,
  current: RankedOrder,
  rank: (order: readonly number[]) => RankedOrder,
): RankedOrder | undefined {
  for (const order of exchanges(current.order, plan.request.devices.length)) {
    const found = rank(order);
    if (compareEstimates(found, current) < 0) return found;
  }
  return undefined;
}

/** The given order, the fastest devices in falling and rising speed, and the largest memories first. */
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

/** Two ranks exchange devices, or a rank takes a device that is not in use. */
function exchanges(order: readonly number[], deviceCount: number): number[][] {
  const found: number[][] = [];
  for (let a = 0; a < order.length; a++) {
    for (let b = a + 1; b < order.length; b++) found.push(order.with(a, order[b]!).with(b, order[a]!));
    for (let device = 0; device < deviceCount; device++) {
      if (!order.includes(device)) found.push(order.with(a, device));
    }
  }
  return found;
}
