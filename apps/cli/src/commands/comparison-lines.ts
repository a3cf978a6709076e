import type { PlanComparisonBody } from '@millrace/contracts';
import { table } from '../table';

/** The predicted and the measured times side by side, indented under the attempt. */
export function comparisonLines(comparison: PlanComparisonBody): string[] {
  const { step, stages, better, gain, isClearlyWrong, replan } = comparison;
  const { predictedStepTimeMs, measuredStepTimeMs, simulatedStepTimeMs } = comparison;
  const rows = stages.map(({ stage, agent, predicted, measured, ratio }) => [
    stage,
    agent,
    ...(['F', 'I', 'W'] as const).map((kind) => `${ms(predicted[kind])} / ${ms(measured[kind])}`),
    ratio.toFixed(2),
  ]);
  const verdict = isClearlyWrong
    ? `Clearly wrong: layers ${better.layersPerStage.join(', ')} should take ${ms(better.stepTimeMs)}, ` +
      `${(100 * gain).toFixed(0)}% less${replan ? '; the run goes on with such a plan from the next checkpoint' : ''}.`
    : 'No other split would be clearly better.';
  const lines = [
    `plan after step ${step}: a step predicted ${ms(predictedStepTimeMs)}, measured ${ms(measuredStepTimeMs)} ` +
      `(${ms(simulatedStepTimeMs)} by the simulation with the measured times)`,
    ...table(['stage', 'agent', 'F predicted / measured', 'I', 'W', 'ratio'], rows).split('\n'),
    verdict,
  ];
  return lines.map((line) => `    ${line}`);
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
}
