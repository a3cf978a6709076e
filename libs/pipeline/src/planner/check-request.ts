import { partitionImpossible } from '../pipeline.errors';
import type { LayerCost, LinkProfile, PlanRequest, StageOverhead, Workload } from './plan-request';
import { planRequestInvalid } from './planner.errors';

/** Bounds the dynamic program, which is quadratic in the blocks and runs for many orders of devices. */
const MAX_BLOCKS = 1024;
const MAX_DEVICES = 256;

/**
 * Throws PIPELINE.PLAN_REQUEST_INVALID, which names what is wrong. A candidate's own wishes are checked when it is
 * tried.
 */
export function checkRequest(request: PlanRequest): void {
  const { ranks, devices, deviceOrder = 'free', candidates, workloads, reorderGain = 0 } = request;
  const enough = deviceOrder === 'given' ? devices.length === ranks : devices.length >= ranks;
  if (!Number.isInteger(ranks) || ranks < 1 || !enough || devices.length > MAX_DEVICES) {
    throw planRequestInvalid(
      `${ranks} ranks and ${devices.length} devices in ${deviceOrder} order: give a whole number of ranks and ` +
        (deviceOrder === 'given' ? 'as many devices' : `at least as many devices, at most ${MAX_DEVICES}`),
    );
  }
  if (candidates.every(({ adviceOnly }) => adviceOnly === true)) {
    throw planRequestInvalid('no candidate may win: give at least one that is not for advice only');
  }
  if (!(reorderGain >= 0 && reorderGain < 1)) throw planRequestInvalid(`reorderGain ${reorderGain} is not in 0 .. 1`);
  for (const { label, speed = 1, memoryBytes = 0 } of devices) {
    if (!(speed > 0 && speed < Infinity && memoryBytes >= 0)) {
      throw planRequestInvalid(`device ${label} has speed ${speed} and ${memoryBytes} bytes: give positive numbers`);
    }
  }
  for (const link of request.links?.flat() ?? []) checkLink(link);
  workloads.forEach(checkWorkload);
}

/** Throws PIPELINE.PARTITION_IMPOSSIBLE. */
export function checkStages(request: PlanRequest, stages: number, blocks: number): void {
  const { emptyEnds = true, layersPerStage } = request;
  const least = emptyEnds ? Math.max(0, stages - 2) : stages;
  if (blocks < least) {
    throw partitionImpossible(`${stages} stages need at least ${least} layers and the model has ${blocks}: lower pp`);
  }
  if (layersPerStage === undefined) return;
  const sum = layersPerStage.reduce((total, count) => total + count, 0);
  if (layersPerStage.length !== stages || sum !== blocks) {
    throw partitionImpossible(
      `layers per stage ${layersPerStage.join(', ')} are ${layersPerStage.length} numbers that add up to ${sum}; ` +
        `${stages} stages of a model with ${blocks} layers are needed`,
    );
  }
}

function checkLink(link: LinkProfile | undefined): void {
  if (link === undefined || (link.bytesPerSecond > 0 && link.latencySeconds >= 0 && link.latencySeconds < Infinity)) {
    return;
  }
  throw planRequestInvalid(`a link of ${link.bytesPerSecond} bytes/s and ${link.latencySeconds} s is not a link`);
}

function checkWorkload({
  microBatches,
  embedding,
  blocks,
  head,
  boundaryBytes,
  staging,
  overhead = {},
}: Workload): void {
  if (blocks.length < 1 || blocks.length > MAX_BLOCKS) {
    throw planRequestInvalid(`a workload has ${blocks.length} blocks: give 1 to ${MAX_BLOCKS}`);
  }
  const numbers = [
    ...[boundaryBytes, staging?.tiedBytes ?? 0],
    ...Object.values(overhead).flatMap(overheadOf),
    ...[embedding, ...blocks, head].flatMap(numbersOf),
  ];
  const bad = numbers.find((value) => !(value >= 0 && value < Infinity));
  if (bad !== undefined) {
    throw planRequestInvalid(`the workload of ${microBatches} micro-batches has ${bad} among its costs`);
  }
}

function overheadOf({ fixedBytes, keptBytes, backwardBytes }: StageOverhead): number[] {
  return [fixedBytes, keptBytes, backwardBytes];
}

function numbersOf({ weightBytes, gradientBytes, optimizerBytes, stateBytes, settings }: LayerCost): number[] {
  const times = Object.values(settings).flatMap(
    ({ keptBytes, backwardBytes, fusedBytes = 0, scratchBytes, seconds }) => [
      ...[keptBytes, backwardBytes, fusedBytes, scratchBytes],
      ...Object.values(seconds).flatMap(({ F, I, W }) => [F, I, W]),
    ],
  );
  return [weightBytes, gradientBytes, optimizerBytes, stateBytes, ...times];
}
