import { chunksPerRank, type RunSpec, scheduleRequest, stepsOptimistically } from '@millrace/contracts';
import type { ModelConfig } from '@millrace/model';
import { type DeviceProfile, makePlan, type Plan, type PlanCandidate, type PlanRequest } from '@millrace/pipeline';
import { type DeviceSpeed, speedOf } from './device-speed';
import { layerCosts } from './layer-costs';
import type { PlannableDevice } from './plannable-device';

export interface RunPlanOptions {
  readonly spec: RunSpec;
  readonly model: ModelConfig;
  readonly devices: readonly PlannableDevice[];
  /** `given`: one device per rank, in rank order. */
  readonly deviceOrder: 'given' | 'free';
  /** Whether to say what other schedules and recompute settings would bring. */
  readonly advice?: boolean;
}

/** Start-up benchmarks of one device differ by about this much: a smaller gain moves no stage. */
const REORDER_GAIN = 0.1;
/** Synchronous schedules of one chunk: they train to the same bits as the one asked for. */
const ADVISED_SCHEDULES = ['gpipe', '1f1b', 'zb-h1', 'zb-h2'] as const;
const RECOMPUTE = ['none', 'selective', 'full'] as const;

/** @throws AppError PIPELINE.PLAN_DOES_NOT_FIT, PIPELINE.* */
export function planRun(options: RunPlanOptions): Plan {
  return makePlan(planRequest(options));
}

/** What the planner is asked for a run: its spec fixes all but the devices, their order and the split. */
export function planRequest({ spec, model, devices, deviceOrder, advice = false }: RunPlanOptions): PlanRequest {
  const { pp, partition } = spec.parallel;
  const candidates = [settingOf(spec), ...(advice ? advised(spec) : [])];
  const speeds = speedsOf(devices);
  const kinds = speeds.map(({ gflops, gigabytesPerSecond }) => `${gflops} GFLOP/s, ${gigabytesPerSecond} GB/s`);
  const workload = layerCosts({
    model,
    microBatch: spec.train.batch.micro,
    microBatches: candidates[0]!.microBatches,
    optimizer: spec.train.optimizer,
    evaluation: spec.data.validation > 0,
    optimisticStep: stepsOptimistically(spec.parallel),
    isWhole: pp * chunksPerRank(spec.parallel) === 1,
    recompute: [...new Set(candidates.map(({ recompute }) => recompute))],
    speeds: Object.fromEntries(kinds.map((kind, index) => [kind, speeds[index]!])),
  });
  return {
    ranks: pp,
    devices: devices.map(({ label, memoryBytes }, index): DeviceProfile => {
      const profile = { label, kind: kinds[index]! };
      return memoryBytes === undefined ? profile : { ...profile, memoryBytes };
    }),
    deviceOrder,
    reorderGain: REORDER_GAIN,
    workloads: [workload],
    candidates,
    ...(partition === 'auto' ? {} : { layersPerStage: partition }),
  };
}

/** Whether every device has told its speed: else the plan's times are those of equal devices of no known speed. */
export function speedsAreKnown(devices: readonly PlannableDevice[]): boolean {
  return devices.every((device) => speedOf(device) !== undefined);
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
    RECOMPUTE.map((recompute) => ({ schedule, chunks: 1, microBatches, recompute, adviceOnly: true })),
  ).filter(({ schedule, recompute }) => schedule !== askedSchedule || recompute !== askedRecompute);
}

/** A device without a benchmark counts as the median of those that have one. */
function speedsOf(devices: readonly PlannableDevice[]): DeviceSpeed[] {
  const speeds = devices.map(speedOf);
  const known = speeds.filter((speed) => speed !== undefined).sort((a, b) => a.gflops - b.gflops);
  const median = known[Math.floor(known.length / 2)] ?? { gflops: 1, gigabytesPerSecond: Infinity };
  return speeds.map((speed) => speed ?? median);
}
