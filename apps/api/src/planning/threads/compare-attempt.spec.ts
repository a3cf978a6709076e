import { describe, expect, it } from 'vitest';
import { type LayerTimes, modelConfigOf, parseRunSpec } from '@millrace/contracts';
import type { StoredPlan } from '../../ledger/runs/attempt-record';
import { compareAttempt } from './compare-attempt';
import type { PlannableDevice } from '../../ledger/runs/plan-basis';
import { planRun } from './plan-run';

const spec = parseRunSpec({
  name: 'odd',
  model: { family: 'gpt2', layers: 9, heads: 3, hidden: 60, context: 21 },
  data: { dataset: 'bytes' },
  train: { steps: 100, batch: { global: 10, micro: 2 }, optimizer: { type: 'adamw', lr: 0.001 } },
  parallel: { pp: 2 },
});
const model = modelConfigOf(spec, 97);
const layers = (factor: number): LayerTimes => ({
  embedding: { F: 0.0001, I: 0.0001, W: 0.0001 },
  block: { F: factor, I: factor, W: factor },
  head: { F: factor / 2, I: factor / 2, W: factor / 2 },
});
const device = (label: string, factor: number): PlannableDevice => ({
  label,
  benchmark: {},
  layers: { none: layers(factor) },
});

/** An attempt that was placed on devices which were thought to be equal, after a round trip through the database. */
function attempt(): { plan: StoredPlan } {
  const devices = [device('a', 0.01), device('b', 0.01)];
  const { stages } = planRun({ spec, model, devices, deviceOrder: 'given' });
  const basis = { devices, links: devices.map(() => devices.map(() => undefined)) };
  const peers = ['agent_a', 'agent_b'].map((agentId, rank) => ({ rank, agentId, address: 'nowhere' }));
  const plan = { spec, model, stages, peers, predicted: { stepTimeMs: 1, bubbleOfTotal: 0, basis } };
  return { plan: JSON.parse(JSON.stringify(plan)) as StoredPlan };
}

function measured(factor: number): Parameters<typeof compareAttempt>[1] {
  const { plan } = attempt();
  const times = plan.stages.map(({ layerCount, head }, stage) => {
    const seconds = (layerCount + (head ? 0.5 : 0)) * 0.01 * (stage === 1 ? factor : 1) + (stage === 0 ? 0.0001 : 0);
    return { F: seconds, I: seconds, W: seconds };
  });
  return { stages: times, stepSeconds: 1 };
}

describe('compareAttempt', () => {
  it('finds a plan good whose devices take what was said', () => {
    const { told } = compareAttempt(attempt(), measured(1), 21)!;
    expect(told).toMatchObject({ step: 21, isClearlyWrong: false, replan: false, measuredStepTimeMs: 1000 });
    for (const { ratio } of told.stages) expect(ratio).toBeCloseTo(1, 6);
    expect(told.simulatedStepTimeMs).toBeCloseTo(told.predictedStepTimeMs, 3);
  });

  it('moves layers away from a device that takes thrice as long, and tells what its layers take', () => {
    const { told, corrected } = compareAttempt(attempt(), measured(3), 21)!;
    expect(told.isClearlyWrong).toBe(true);
    expect(told.better.layersPerStage[1]).toBeLessThan(told.layersPerStage[1]!);
    expect(told.stages.map(({ agent, ratio }) => [agent, Math.round(ratio)])).toEqual([
      ['agent_a', 1],
      ['agent_b', 3],
    ]);
    expect(corrected['agent_b']!.block.F).toBeCloseTo(0.03, 6);
    expect(corrected['agent_a']!.block.F).toBeCloseTo(0.01, 6);
  });

  it('says nothing where nothing was planned', () => {
    const { plan } = attempt();
    const without = { ...plan, predicted: { stepTimeMs: null, bubbleOfTotal: 0 } };
    expect(compareAttempt({ plan: without }, measured(1), 21)).toBeUndefined();
  });
});
