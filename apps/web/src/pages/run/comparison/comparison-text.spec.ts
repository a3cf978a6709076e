import type { PlanComparisonBody } from '@millrace/contracts';
import { describe, expect, it } from 'vitest';
import { comparisonSummary, deviationText, verdictText } from './comparison-text';

const comparison: PlanComparisonBody = {
  step: 21,
  layersPerStage: [2, 2],
  predictedStepTimeMs: 40,
  measuredStepTimeMs: 62,
  simulatedStepTimeMs: 60,
  stages: [],
  better: { layersPerStage: [3, 1], stepTimeMs: 45 },
  gain: 0.25,
  isClearlyWrong: true,
  replan: true,
};

describe('what a comparison says', () => {
  it('is a better split and what becomes of the attempt', () => {
    expect(verdictText(comparison)).toBe(
      'Clearly wrong: with layers 3, 1 a step should take 45 ms, 25% less. The attempt ends at its next checkpoint, and the run goes on with such a plan.',
    );
    expect(verdictText({ ...comparison, replan: false })).toContain('The split stays all the same');
    expect(comparisonSummary(comparison)).toBe('a step took 62 ms, predicted 40 ms: planned anew');
  });

  it('is that the plan stays where nothing better is known, or little', () => {
    const right = { ...comparison, isClearlyWrong: false, replan: false };
    expect(verdictText({ ...right, gain: 0.04 })).toBe(
      'Layers 3, 1 would save 4.0%: too little to change the plan for.',
    );
    expect(verdictText({ ...right, gain: -0.01 })).toBe('No other split would be better: the plan stays.');
    expect(verdictText({ ...right, gain: 0.001, better: { layersPerStage: [2, 2], stepTimeMs: 60 } })).toBe(
      'No other split would be better: the plan stays.',
    );
    expect(comparisonSummary(right)).toBe('a step took 62 ms, predicted 40 ms');
  });

  it('says of a stage by how much it is off', () => {
    expect([1.004, 1.32, 0.5].map(deviationText)).toEqual(['as predicted', '32% longer', '50% shorter']);
  });
});
