import { AppError, type ModelConfig, type Recompute, RECOMPUTE_SETTINGS, type StageSlice } from '@millrace/core';
import { chunksPerRank, formatsOf, type RunSpec, scheduleRequest, stepsOptimistically } from '@millrace/contracts';
import { stageMemoryBytes } from '@millrace/model';
import {
  type DeviceProfile,
  makePlan,
  ADVISED_SCHEDULES,
  type Plan,
  type PlanCandidate,
  type PlanRequest,
} from '@millrace/pipeline';
import { type DeviceSpeed, speedOf } from '../../ledger/agents/device-speed';
import { layerCosts } from './layer-costs';
import type { PlannableDevice } from '../../ledger/runs/plan-basis';

export interface RunPlanOptions {
  readonly spec: RunSpec;
  readonly model: ModelConfig;
  readonly devices: readonly PlannableDevice[];
  /** `given`: the devices are in rank order, one per rank. */
  readonly deviceOrder: 'given' | 'free';
  /** Measured links, indexed `[from][to]` by positions in `devices`; undefined where a link was not measured. */
  readonly links?: PlanRequest['links'];
  /** The settings to choose from; by default only the spec's. */
  readonly recompute?: readonly Recompute[];
  /** Whether to say what other schedules and recompute settings would gain. */
  readonly advice?: boolean;
}

/** Start-up benchmarks of one device differ by about this much, so that a smaller gain does not move a stage. */
const REORDER_GAIN = 0.1;

/** @throws AppError PIPELINE.PLAN_DOES_NOT_FIT, PIPELINE.* */
export function planRun(options: RunPlanOptions): Plan {
  return makePlan(planRequest(options));
}

/** Undefined when no split fits the memory of the devices. @throws AppError PIPELINE.* */
export function planIfItFits(options: RunPlanOptions): Plan | undefined {
  try {
    return planRun(options);
  } catch (error) {
    if (error instanceof AppError && error.code === 'PIPELINE.PLAN_DOES_NOT_FIT') return undefined;
    throw error;
  }
}

/** The planner's request for a run: the spec fixes everything except the devices, their order and the split. */
export function planRequest(options: RunPlanOptions): PlanRequest {
  const { spec, model, devices, deviceOrder, links, advice = false } = options;
  const { pp, partition } = spec.parallel;
  const own = (options.recompute ?? [spec.parallel.recompute]).map((recompute) => ({ ...settingOf(spec), recompute }));
  const candidates = [...own, ...(advice ? advised(spec) : [])];
  const speeds = speedsOf(devices);
  const kinds = kindsOf(devices, speeds);
  const byKind = <T>(values: readonly T[]): Record<string, T> =>
    Object.fromEntries(kinds.map((kind, index) => [kind, values[index]!]));
  const workload = layerCosts({
    model,
    microBatch: spec.train.batch.micro,
    microBatches: candidates[0]!.microBatches,
    optimizer: spec.train.optimizer,
    evaluation: spec.data.validation > 0,
    formats: formatsOf(spec),
    optimisticStep: stepsOptimistically(spec.parallel),
    isWhole: pp * chunksPerRank(spec.parallel) === 1,
    recompute: [...new Set(candidates.map(({ recompute }) => recompute))],
    speeds: byKind(speeds),
    measured: byKind(devices.map(({ layers }) => layers)),
  });
  const sumsBytes = partialSumsBytes(spec, model);
  return {
    ranks: pp,
    devices: devices.map(({ label, memoryBytes, isSoftware }, index): DeviceProfile => {
      const profile = { label, kind: kinds[index]!, heldBytes: isSoftware ? 0 : sumsBytes };
      return memoryBytes === undefined ? profile : { ...profile, memoryBytes };
    }),
    deviceOrder,
    ...(links && { links }),
    reorderGain: REORDER_GAIN,
    workloads: [workload],
    candidates,
    ...(partition === 'auto' ? {} : { layersPerStage: partition }),
  };
}

/** What a rank on a GPU holds for the sums of split products, which are those of a block or of the head. */
function partialSumsBytes(spec: RunSpec, model: ModelConfig): number {
  const slice: StageSlice = { firstLayer: 0, layerCount: 1, embedding: true, head: true };
  const { batch, optimizer } = spec.train;
  const load = { ...formatsOf(spec), microBatch: batch.micro, inFlight: 1, optimizer };
  return stageMemoryBytes({ ...model, layers: 1 }, slice, load).partialSums;
}

/** Devices that take the same times are of one kind; kinds that were measured are told apart by a number. */
function kindsOf(devices: readonly PlannableDevice[], speeds: readonly DeviceSpeed[]): string[] {
  const measured: string[] = [];
  return devices.map(({ layers }, index) => {
    const { gflops, gigabytesPerSecond } = speeds[index]!;
    const speed = `${gflops} GFLOP/s, ${gigabytesPerSecond} GB/s`;
    if (layers === undefined) return speed;
    const key = JSON.stringify([speed, layers]);
    if (!measured.includes(key)) measured.push(key);
    return `measured ${measured.indexOf(key) + 1} (${speed})`;
  });
}

function settingOf(spec: RunSpec): PlanCandidate {
  const { name, chunks, microBatches, csv, verticalSync } = scheduleRequest(spec);
  return {
    schedule: name,
    chunks,
    recompute: spec.parallel.recompute,
    microBatches,
    ...(csv === '' ? {} : { csv }),
    ...(verticalSync ? { verticalSync } : {}),
  };
}

function advised(spec: RunSpec): PlanCandidate[] {
  const { microBatches, schedule: askedSchedule, recompute: askedRecompute } = settingOf(spec);
  return ADVISED_SCHEDULES.flatMap((schedule) =>
    RECOMPUTE_SETTINGS.map((recompute) => ({ schedule, chunks: 1, microBatches, recompute, adviceOnly: true })),
  ).filter(({ schedule, recompute }) => schedule !== askedSchedule || recompute !== askedRecompute);
}

/** A device without a benchmark counts as the median of those that have one. */
function speedsOf(devices: readonly PlannableDevice[]): DeviceSpeed[] {
  const speeds = devices.map(speedOf);
  const known = speeds.filter((speed) => speed !== undefined).sort((a, b) => a.gflops - b.gflops);
  const median = known[Math.floor(known.length / 2)] ?? { gflops: 1, gigabytesPerSecond: Infinity };
  return speeds.map((speed) => speed ?? median);
}
