import { simulateStep } from '../simulate/simulate-step';
import type { Plan, PlannedMemory, PlannedRank, PlannedStage, PlanOutline } from './plan';
import type { PlanCase } from './search/plan-case';
import type { FoundLayout } from './search/refine-layout';

export type PlanDetails = Omit<Plan, 'runnerUps'>;

/** What the simulation predicts for a layout, with the memory of every stage and rank. */
export function describeLayout(plan: PlanCase, { layout, overflowBytes }: FoundLayout): PlanDetails {
  const { adviceOnly: _, ...setting } = plan.candidate;
  const lowered = plan.compiled.schedule;
  const times = plan.stageTimes(layout);
  const simulation = simulateStep(lowered, times);
  const ranges = plan.ranges(layout.counts);
  const stages = ranges.map((range): PlannedStage => {
    const { stage, start, end } = range;
    return {
      stage,
      rank: plan.rankOf(stage),
      firstLayer: start,
      layerCount: end - start,
      embedding: stage === 0,
      head: stage === plan.stages - 1,
      times: times.stages[stage]!,
      memory: plan.memoryOf(range),
    };
  });
  const ranks = layout.order.map((device, rank): PlannedRank => {
    const { label, memoryBytes, heldBytes = 0 } = plan.request.devices[device]!;
    const idleSeconds = simulation.idlePerRank[rank]!;
    return {
      rank,
      device,
      label,
      busySeconds: simulation.stepTime - idleSeconds,
      idleSeconds,
      memory: rankMemory(
        lowered.stagesOfRank[rank]!.map((stage) => stages[stage]!.memory),
        plan.stagingBytes(rank, ranges) + heldBytes,
      ),
      ...(memoryBytes === undefined ? {} : { availableBytes: memoryBytes }),
    };
  });
  return {
    setting,
    layersPerStage: layout.counts,
    devices: ranks.map(({ label }) => label),
    stepSeconds: simulation.stepTime,
    bubbleOfTotal: simulation.bubbleOfTotal,
    bubbleOfIdeal: simulation.bubbleOfIdeal,
    fits: overflowBytes === 0,
    stages,
    ranks,
    peakMicroBatches: simulation.peakMicroBatches,
  };
}

export function outlineOf(details: PlanDetails): PlanOutline {
  const { setting, layersPerStage, devices, stepSeconds, bubbleOfTotal, bubbleOfIdeal, fits } = details;
  return { setting, layersPerStage, devices, stepSeconds, bubbleOfTotal, bubbleOfIdeal, fits };
}

/** What a rank holds once for all its stages counts as working memory. */
function rankMemory(stages: readonly PlannedMemory[], once: number): PlannedMemory {
  const sum = (part: keyof PlannedMemory): number => stages.reduce((total, memory) => total + memory[part], 0);
  return {
    weights: sum('weights'),
    gradients: sum('gradients'),
    optimizer: sum('optimizer'),
    activations: sum('activations'),
    working: sum('working') + once,
    total: sum('total') + once,
  };
}
