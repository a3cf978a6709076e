import { simulateSchedule } from '../simulate/simulate-schedule';
import type { Plan, PlannedMemory, PlannedRank, PlannedStage, PlanOutline } from './plan';
import { type MemoryParts, type PlanCase, totalBytes } from './search/plan-case';
import type { FoundLayout } from './search/refine-layout';

export type PlanDetails = Omit<Plan, 'runnerUps'>;

/** What the simulation says of a layout, with the memory of every stage and rank. */
export function describeLayout(plan: PlanCase, { layout, overflowBytes }: FoundLayout): PlanDetails {
  const { schedule, chunks, microBatches, recompute } = plan.candidate;
  const lowered = plan.compiled.schedule;
  const times = plan.stageTimes(layout);
  const simulation = simulateSchedule(lowered, times);
  const ranges = plan.ranges(layout.counts);
  const stages = ranges.map((range): PlannedStage => {
    const { stage, start, end } = range;
    // Alone, a stage peaks at its own count of micro-batches in flight.
    const alone = ranges.map((other) => (other.stage === stage ? plan.keptOf(other) : 0));
    const activations = plan.compiled.peakKeptBytes(plan.rankOf(stage), alone);
    return {
      stage,
      rank: plan.rankOf(stage),
      firstLayer: start,
      layerCount: end - start,
      embedding: stage === 0,
      head: stage === plan.stages - 1,
      times: times.stages[stage]!,
      memory: withTotal({ ...plan.staticOf(range), activations }),
    };
  });
  const ranks = layout.order.map((device, rank): PlannedRank => {
    const { label, memoryBytes } = plan.request.devices[device]!;
    const idleSeconds = simulation.idlePerRank[rank]!;
    return {
      rank,
      device,
      label,
      busySeconds: simulation.stepTime - idleSeconds,
      idleSeconds,
      memory: withTotal(plan.rankMemory(rank, ranges)),
      ...(memoryBytes === undefined ? {} : { availableBytes: memoryBytes }),
    };
  });
  return {
    setting: { schedule, chunks, microBatches, recompute },
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

function withTotal(parts: MemoryParts): PlannedMemory {
  return { ...parts, total: totalBytes(parts) };
}
