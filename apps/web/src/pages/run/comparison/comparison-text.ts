import type { PlanComparisonBody } from '@millrace/contracts';
import { formatPercent } from '../../../format/format-number';
import { formatDuration } from '../../../format/format-time';

type Times = PlanComparisonBody['stages'][number]['measured'];

/** Milliseconds that F, I and W of one micro-batch take together. */
export function totalMs({ F, I, W }: Times): number {
  return F + I + W;
}

/** Says what the comparison of prediction and measurement leads to. */
export function verdictText({ layersPerStage, better, gain, isClearlyWrong, replan }: PlanComparisonBody): string {
  const split = better.layersPerStage.join(', ');
  const isSame = split === layersPerStage.join(', ');
  if (!isClearlyWrong) {
    if (isSame || gain <= 0) return 'No other split would be better: the plan stays.';
    return `Layers ${split} would save ${formatPercent(gain)}: too little to change the plan for.`;
  }
  const saving = `Clearly wrong: with layers ${split} a step should take ${formatDuration(better.stepTimeMs)}, ${formatPercent(gain)} less.`;
  return replan
    ? `${saving} The attempt ends at its next checkpoint, and the run goes on with such a plan.`
    : `${saving} The split stays all the same: the spec fixes it, it was replaced as often as is allowed, or too few steps are left.`;
}

/** Says how far the measured time is from the predicted one, such as "12% longer". */
export function deviationText(ratio: number): string {
  if (Math.abs(ratio - 1) < 0.005) return 'as predicted';
  return ratio > 1 ? `${formatPercent(ratio - 1)} longer` : `${formatPercent(1 - ratio)} shorter`;
}

/** One line for a list of attempts. */
export function comparisonSummary({ measuredStepTimeMs, predictedStepTimeMs, replan }: PlanComparisonBody): string {
  const times = `a step took ${formatDuration(measuredStepTimeMs)}, predicted ${formatDuration(predictedStepTimeMs)}`;
  return replan ? `${times}: planned anew` : times;
}
