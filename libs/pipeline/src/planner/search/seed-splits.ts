import type { PlanCase } from './plan-case';
import { type Split, splitLayers, type SplitTimes } from './split-layers';

/** How much slower than necessary the slowest stage may be, and in how many steps this is varied. */
const SLACK = 2;
const LIMIT_COUNT = 24;

/**
 * Estimates the step: the slowest stage's rhythm, then filling and draining through all the others. It is exact for
 * 1f1b and gpipe on equal stages; otherwise it only orders candidates.
 */
export function estimateStep(plan: PlanCase, order: readonly number[], { slowest, total }: SplitTimes): number {
  const links = plan.links(order);
  const slowestLink = links.reduce((most, { forward, backward }) => Math.max(most, forward, backward), 0);
  const travel = links.reduce((sum, { forward, backward }) => sum + forward + backward, 0);
  const { chunks, microBatches } = plan.compiled.schedule;
  return (microBatches - 1) * chunks * Math.max(slowest, slowestLink) + total + travel;
}

/**
 * Splits worth simulating for one order of devices: the one whose slowest stage is fastest, and those that trade some
 * of that for less work in total, which pays off when there are few micro-batches. The best estimate comes first. If
 * ranks have several stages, whose shares of the memory are not known, or if nothing fits, there are also splits that
 * ignore memory: the search starts from them and corrects what is too much.
 */
export function seedSplits(plan: PlanCase, order: readonly number[]): readonly Split[] {
  const found = new Map<string, Split>();
  const add = (split: Split | undefined): void => void (split && found.set(split.counts.join(), split));
  const slowest = splitLayers(plan, order, { kind: 'slowest' });
  if (slowest !== undefined) {
    add(slowest);
    for (let index = 0; index < LIMIT_COUNT; index++) {
      const limit = slowest.slowest * (1 + 1e-12 + ((SLACK - 1) * index) / LIMIT_COUNT);
      add(splitLayers(plan, order, { kind: 'total', limit }));
    }
  }
  if (slowest === undefined || plan.compiled.schedule.chunks > 1) {
    add(splitLayers(plan, order, { kind: 'slowest', memory: 'ignored' }));
  }
  const estimated = [...found.values()].map((split) => ({ split, step: estimateStep(plan, order, split) }));
  return estimated.sort((a, b) => a.step - b.step).map(({ split }) => split);
}
