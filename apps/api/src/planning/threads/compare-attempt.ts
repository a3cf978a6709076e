import type { PlanComparisonBody } from '@millrace/contracts';
import { comparePlan, type ComputeTimes, makePlan, type MeasuredStep, type PlanRequest } from '@millrace/pipeline';
import type { AttemptComparison, AttemptRecord } from '../../ledger/runs/attempt-record';
import { scaledLayers } from './layer-seconds';
import { planRequest } from './plan-run';

const MS_PER_SECOND = 1000;

/**
 * Compares what the planner predicted for the attempt with what was measured; undefined when nothing was planned.
 *
 * @throws AppError PIPELINE.*
 */
export function compareAttempt(
  { plan }: Pick<AttemptRecord, 'plan'>,
  measured: MeasuredStep,
  step: number,
): AttemptComparison | undefined {
  const { spec, model, stages, peers, predicted } = plan;
  if (predicted.basis === undefined) return undefined;
  const { devices } = predicted.basis;
  // JSON has null where there is no link.
  const links = predicted.basis.links.map((row) => row.map((link) => link ?? undefined));
  const request = planRequest({ spec, model, devices, links, deviceOrder: 'given' });
  const layersPerStage = stages.map(({ layerCount }) => layerCount);
  const asPlaced = makePlan({ ...request, layersPerStage });
  const comparison = comparePlan(request, asPlaced, measured);
  const agentOf = (rank: number): string => peers.find((peer) => peer.rank === rank)?.agentId ?? '';
  const told: PlanComparisonBody = {
    step,
    layersPerStage,
    predictedStepTimeMs: comparison.predictedStepSeconds * MS_PER_SECOND,
    measuredStepTimeMs: comparison.measuredStepSeconds * MS_PER_SECOND,
    simulatedStepTimeMs: comparison.simulatedStepSeconds * MS_PER_SECOND,
    stages: comparison.stages.map(({ stage, rank, predicted: said, measured: took, ratio }) => ({
      ...{ stage, rank, agent: agentOf(rank), ratio },
      predicted: milliseconds(said),
      measured: milliseconds(took),
    })),
    better: {
      layersPerStage: [...comparison.better.layersPerStage],
      stepTimeMs: comparison.better.stepSeconds * MS_PER_SECOND,
    },
    gain: comparison.gain,
    isClearlyWrong: comparison.isClearlyWrong,
    replan: false,
  };
  const corrected = comparison.factors.map((factors, rank) => [agentOf(rank), correctedLayers(request, rank, factors)]);
  return { told, corrected: Object.fromEntries(corrected) as AttemptComparison['corrected'] };
}

/** The times of the device's layers in the request, multiplied by the factor by which they were wrong. */
function correctedLayers(
  { workloads, candidates, devices }: PlanRequest,
  device: number,
  factors: ComputeTimes,
): AttemptComparison['corrected'][string] {
  const [{ embedding, blocks, head }, { recompute }] = [workloads[0]!, candidates[0]!];
  const { kind } = devices[device]!;
  const seconds = (layer: typeof head): ComputeTimes => layer.settings[recompute]!.seconds[kind]!;
  return scaledLayers({ embedding: seconds(embedding), block: seconds(blocks[0]!), head: seconds(head) }, factors);
}

function milliseconds({ F, I, W }: ComputeTimes): PlanComparisonBody['stages'][number]['predicted'] {
  return { F: F * MS_PER_SECOND, I: I * MS_PER_SECOND, W: W * MS_PER_SECOND };
}
