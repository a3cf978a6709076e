import type { PlanCase } from './plan-case';

/** How many splits of the blocks over the stages exist; some number above `most` if there are more than that. */
export function splitCount(plan: PlanCase, most: number): number {
  const { stages, blocks } = plan;
  const fewest = Array.from({ length: stages }, (_, stage) => plan.fewest(stage)).reduce(
    (sum, count) => sum + count,
    0,
  );
  // The blocks beyond the fewest that stages may hold can go anywhere: their positions are combinations with the
  // stages' borders.
  let count = blocks < fewest ? 0 : 1;
  for (let index = 1; index < stages && count <= most; index++) count = (count * (blocks - fewest + index)) / index;
  return count;
}

export function* allSplits(plan: PlanCase, left = plan.blocks, before: readonly number[] = []): Generator<number[]> {
  const stage = before.length;
  if (stage === plan.stages - 1) {
    if (left >= plan.fewest(stage)) yield [...before, left];
    return;
  }
  for (let count = plan.fewest(stage); count <= left; count++) yield* allSplits(plan, left - count, [...before, count]);
}
