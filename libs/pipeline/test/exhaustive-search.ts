import { expect } from 'vitest';
import { makePlan } from '../src/planner/make-plan';
import type { Plan } from '../src/planner/plan';
import type { PlanRequest } from '../src/planner/plan-request';
import { PlanCase } from '../src/planner/search/plan-case';
import { randomRequest } from './random-cluster';

/** Every order of devices, every split and every candidate: Infinity when nothing fits. */
function exhaustive(request: PlanRequest): number {
  let least = Infinity;
  for (const candidate of request.candidates) {
    const plan = new PlanCase(request, candidate);
    for (const order of orders(request)) {
      for (const counts of splits(plan, plan.blocks)) {
        const { stepSeconds, overflowBytes } = plan.evaluate({ counts, order });
        if (overflowBytes === 0) least = Math.min(least, stepSeconds);
      }
    }
  }
  return least;
}

function orders({ ranks, devices, deviceOrder }: PlanRequest): number[][] {
  if (deviceOrder === 'given') return [devices.map((_, index) => index)];
  let found: number[][] = [[]];
  for (let rank = 0; rank < ranks; rank++) {
    found = found.flatMap((order) =>
      devices.flatMap((_, device) => (order.includes(device) ? [] : [[...order, device]])),
    );
  }
  return found;
}

function* splits(plan: PlanCase, blocks: number, before: number[] = []): Generator<number[]> {
  const stage = before.length;
  if (stage === plan.stages - 1) {
    if (blocks >= plan.fewest(stage)) yield [...before, blocks];
    return;
  }
  for (let count = plan.fewest(stage); count <= blocks; count++)
    yield* splits(plan, blocks - count, [...before, count]);
}

/** That the plan is at most so much above the best there is; undefined where nothing fits the memory. */
export function comparedWithAll(request: PlanRequest, within = 0.01): Plan | undefined {
  const best = exhaustive(request);
  if (best === Infinity) {
    expect(() => makePlan(request)).toThrow(/no split fits the memory/);
    return undefined;
  }
  const plan = makePlan(request);
  expect(plan.fits).toBe(true);
  expect(plan.stepSeconds).toBeLessThanOrEqual(best * (1 + within));
  return plan;
}

/** Synchronous schedules beside gpipe and 1f1b, with their chunks. */
export const SYNCHRONOUS: readonly (readonly [schedule: string, chunks: number])[] = [
  ['interleaved', 2],
  ['looped-bfs', 2],
  ['zb-h1', 1],
  ['zb-h2', 1],
  ['zb-v', 2],
  ['dualpipe-v', 2],
];

/** A cluster that follows from the seed, asked for this schedule alone; undefined where it has too few blocks. */
export function requestFor(seed: number, [schedule, chunks]: (typeof SYNCHRONOUS)[number]): PlanRequest | undefined {
  const request = randomRequest(seed, { ranksMax: 3, blocksMax: 8 });
  if (request.workloads[0]!.blocks.length < request.ranks * chunks) return undefined;
  const { microBatches } = request.candidates[0]!;
  return { ...request, candidates: [{ schedule, chunks, microBatches, recompute: 'none' }] };
}
