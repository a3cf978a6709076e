import { AppError } from '@millrace/core';
import { checkRequest, checkStages } from './check-request';
import { deepspeedSplit } from './deepspeed-split';
import { describeLayout, outlineOf, type PlanDetails } from './describe-layout';
import type { Plan, RunnerUp } from './plan';
import type { PlanCandidate, PlanRequest } from './plan-request';
import { settingText } from './explain/plan-text';
import { planDoesNotFit } from './planner.errors';
import { PlanCase } from './search/plan-case';
import { compareFound, type FoundLayout } from './search/refine-layout';
import { evenCounts, searchLayout } from './search/search-layout';
import { memoryShortage, whyLost } from './explain/why-lost';

/** How many runner-ups may differ from the plan only in their devices. */
const OTHER_ORDERS_MAX = 2;

interface Tried {
  readonly plan: PlanCase;
  readonly best: FoundLayout;
  readonly otherOrders: readonly FoundLayout[];
}

interface Refused {
  readonly candidate: PlanCandidate;
  readonly error: AppError;
}

/**
 * Chooses the devices, their order, the split of the layers and, among the candidates, schedule, chunks, micro-batches
 * and recompute: the layout with the least simulated step time among those that fit the memory. The result depends on
 * the request alone.
 *
 * Throws PIPELINE.PLAN_DOES_NOT_FIT, PIPELINE.PLAN_REQUEST_INVALID and, if no candidate can be made at all, the error
 * of makeSchedule for the first one.
 */
export function makePlan(request: PlanRequest): Plan {
  checkRequest(request);
  const tried: Tried[] = [];
  const refused: Refused[] = [];
  for (const candidate of request.candidates) {
    const result = tryCandidate(request, candidate);
    if ('error' in result) refused.push(result);
    else tried.push(result);
  }
  const winner = tried
    .filter(({ plan }) => plan.candidate.adviceOnly !== true)
    // A stable sort: among equals the first candidate stays.
    .toSorted((a, b) => compareFound(a.best, b.best))[0];
  if (winner === undefined) throw refused.find(({ candidate }) => candidate.adviceOnly !== true)!.error;
  const details = describeLayout(winner.plan, winner.best);
  if (!details.fits) throw planDoesNotFit(shortageText(details));
  return { ...details, runnerUps: runnerUps({ winner, details, tried, refused }) };
}

function tryCandidate(request: PlanRequest, candidate: PlanCandidate): Tried | Refused {
  try {
    const plan = new PlanCase(request, candidate);
    checkStages(request, plan.stages, plan.blocks);
    return { plan, ...searchLayout(plan) };
  } catch (error) {
    // A schedule that does not exist for these sizes cannot be planned, but the others may be.
    if (error instanceof AppError && error.kind === 'invalid') return { candidate, error };
    throw error;
  }
}

interface Outcome {
  readonly winner: Tried;
  readonly details: PlanDetails;
  readonly tried: readonly Tried[];
  readonly refused: readonly Refused[];
}

function runnerUps({ winner, details, tried, refused }: Outcome): RunnerUp[] {
  const found = [
    ...tried.filter((other) => other !== winner).map(({ plan, best }) => ({ plan, found: best, name: '' })),
    ...winner.otherOrders
      .slice(0, OTHER_ORDERS_MAX)
      .map((other) => ({ plan: winner.plan, found: other, name: 'other devices' })),
    ...otherSplits(winner),
  ];
  const losers = found
    .map(({ plan, found: layout, name }) => ({ plan, name, layout, loser: describeLayout(plan, layout) }))
    .sort((a, b) => compareFound(a.layout, b.layout))
    .map(({ plan, name, loser }): RunnerUp => {
      const title = name === '' ? settingText(loser.setting) : name === 'other devices' ? devicesText(loser) : name;
      return { name: title, outline: outlineOf(loser), reason: whyLost(loser, details, plan.candidate.adviceOnly) };
    });
  // Advice that cannot be followed is left out.
  const impossible = refused
    .filter(({ candidate }) => candidate.adviceOnly !== true)
    .map(({ candidate, error }): RunnerUp => ({
      name: settingText(candidate),
      reason: error.message,
    }));
  return [...losers, ...impossible];
}

/** How others would split the model on the same devices. */
function otherSplits({ plan, best }: Tried): { plan: PlanCase; found: FoundLayout; name: string }[] {
  const { order } = best.layout;
  const named = (name: string, counts: readonly number[]): { plan: PlanCase; found: FoundLayout; name: string } => {
    const layout = { counts, order };
    return { plan, found: { layout, ...plan.evaluate(layout) }, name };
  };
  const deepspeed = deepspeedCounts(plan);
  return [
    named('even split', evenCounts(plan)),
    ...(deepspeed === undefined ? [] : [named("DeepSpeed's parameters rule", deepspeed)]),
  ];
}

/** Undefined if the rule has no answer: it gives a part to every stage, and knows no empty ends. */
function deepspeedCounts(plan: PlanCase): number[] | undefined {
  const { embedding, blocks, head } = plan.workload;
  const layers = [embedding, ...blocks, head];
  if (layers.length < plan.stages) return undefined;
  const counts = deepspeedSplit(
    layers.map(({ weightBytes }) => weightBytes),
    plan.stages,
  );
  // To the rule, embedding and head are layers.
  counts[0]! -= 1;
  counts[counts.length - 1]! -= 1;
  return counts.every((count, stage) => count >= plan.fewest(stage)) ? counts : undefined;
}

function devicesText({ devices }: PlanDetails): string {
  return `devices ${devices.join(', ')}`;
}

function shortageText(details: PlanDetails): string {
  const layers = details.layersPerStage.join(', ');
  return (
    `no split fits the memory of the devices; with layers ${layers} under ${settingText(details.setting)}, ` +
    `${memoryShortage(details) ?? 'the memory is short'}: use more ranks, smaller micro-batches or recompute`
  );
}
