import type { ModelConfig, Recompute, StageSlice } from '@millrace/core';
import {
  boundaryBytes,
  type Optimizer,
  sentTiedBytes,
  type StageMemoryBytes,
  stageMemoryBytes,
  type StageOperations,
  stageOperations,
  stageStateBytes,
  type StageProgramOptions,
} from '@millrace/model';
import type { LayerCost, LayerSetting, StageOverhead, Workload } from '@millrace/pipeline';
import { type DeviceSpeed, rooflineTimes } from '../../ledger/agents/device-speed';
import { type EstimateSeconds, type LayerPartName, layerSeconds, type MeasuredKinds } from './layer-seconds';

export interface CostOptions {
  readonly model: ModelConfig;
  /** Number of sequences in a micro-batch. */
  readonly microBatch: number;
  readonly microBatches: number;
  readonly optimizer: Optimizer;
  /** Whether the run has a validation part. */
  readonly evaluation: boolean;
  /** Whether a stage holds a copy of weights and optimizer state that it can roll back to. */
  readonly optimisticStep: boolean;
  /** Whether one stage holds the whole model, and with it a tied embedding only once. */
  readonly isWhole: boolean;
  readonly recompute: readonly Recompute[];
  /** How values are computed, and how they cross between stages; `f32` by default. */
  readonly formats?: Pick<StageProgramOptions, 'precision' | 'wire'>;
  /** The speeds by kind of device. */
  readonly speeds: Readonly<Record<string, DeviceSpeed>>;
  /** Measured times, which take precedence over what follows from the speeds. */
  readonly measured?: MeasuredKinds;
}

/** Enough blocks for a stage of them to be typical; each further block costs the same. */
const LAYERS = 6;

/**
 * The costs of the model's layers in the planner's form. They come from the programs that will run: the cost of a
 * block, of the embedding or of the head is the difference between a stage with it and a stage without it.
 */
export function layerCosts(options: CostOptions): Workload {
  const { model, microBatch, microBatches, recompute, isWhole, speeds, measured = {}, formats } = options;
  const parts: Readonly<Record<LayerPartName, LayerPart>> = {
    embedding: { more: slice(3, 'embedding'), less: slice(3) },
    block: { more: slice(4), less: slice(3) },
    // In the stage with the embedding, a tied head has no copy of its own.
    head: isWhole
      ? { more: slice(LAYERS, 'embedding', 'head'), less: slice(LAYERS, 'embedding') }
      : { more: slice(3, 'head'), less: slice(3) },
  };
  const seconds = layerSeconds(measured, estimates(options, parts));
  const cost = (part: LayerPartName): LayerCost => {
    const settings = recompute.map((setting): [Recompute, Difference] => [
      setting,
      difference(options, setting, parts[part]),
    ]);
    const { fixed } = settings[0]![1];
    const entries = settings.map(([setting, { held }]): [Recompute, LayerSetting] => {
      const ofKinds = Object.keys(speeds).map((kind) => [kind, seconds(kind, setting, part)] as const);
      return [setting, { ...held, seconds: Object.fromEntries(ofKinds) }];
    });
    return { ...fixed, settings: Object.fromEntries(entries) };
  };
  const block = cost('block');
  return {
    microBatches,
    embedding: cost('embedding'),
    blocks: Array.from({ length: model.layers }, () => block),
    head: cost('head'),
    boundaryBytes: boundaryBytes(model, { microBatch, ...formats }),
    overhead: Object.fromEntries(recompute.map((setting) => [setting, overhead(options, setting)])),
    staging: { tiedBytes: sentTiedBytes(model, [slice(1, 'embedding')]) },
  };
}

interface LayerPart {
  readonly more: StageSlice;
  readonly less: StageSlice;
}

/**
 * A slice with so many blocks of a model with LAYERS, at the end of the model that has the head if that is asked for.
 */
function slice(layerCount: number, ...ends: readonly ('embedding' | 'head')[]): StageSlice {
  const [embedding, head] = [ends.includes('embedding'), ends.includes('head')];
  return { firstLayer: embedding ? 0 : LAYERS - layerCount - (head ? 0 : 1), layerCount, embedding, head };
}

interface Difference {
  readonly fixed: Pick<LayerCost, 'weightBytes' | 'gradientBytes' | 'optimizerBytes' | 'stateBytes'>;
  readonly held: Omit<LayerSetting, 'seconds'>;
}

function difference(options: CostOptions, recompute: Recompute, { more, less }: LayerPart): Difference {
  const [a, b] = [stageCost(options, recompute, more), stageCost(options, recompute, less)];
  const weightBytes = a.weightBytes - b.weightBytes;
  const isBlock = more.layerCount !== less.layerCount;
  const backwardBytes = least(a.backwardBytes - b.backwardBytes);
  return {
    // A gradient is as large as its weight; the rest belongs to the optimizer.
    fixed: {
      weightBytes,
      gradientBytes: weightBytes,
      optimizerBytes: least(a.otherBytes - b.otherBytes - weightBytes),
      stateBytes: a.stateBytes - b.stateBytes,
    },
    held: {
      keptBytes: least(a.keptBytes - b.keptBytes),
      backwardBytes,
      // Of the ends, a fused backward holds what any other does.
      ...(mayFuse(options, recompute) && {
        fusedBytes: isBlock ? least(a.fusedBytes - overhead(options, recompute).backwardBytes) : backwardBytes,
      }),
      scratchBytes: isBlock ? a.scratchBytes : least(a.scratchBytes - b.scratchBytes),
    },
  };
}

/** How long operations take at a device's speed. They are kept, because making them builds the model's programs. */
function estimates(
  { model, microBatch, speeds, formats }: CostOptions,
  parts: Record<LayerPartName, LayerPart>,
): EstimateSeconds {
  const config: ModelConfig = { ...model, layers: LAYERS };
  const made = new Map<string, readonly [more: StageOperations, less: StageOperations]>();
  return (kind, recompute, part) => {
    const of = (slice: StageSlice): StageOperations =>
      stageOperations(config, slice, { microBatch, recompute, ...formats });
    const key = `${recompute} ${part}`;
    const operations = made.get(key) ?? [of(parts[part].more), of(parts[part].less)];
    made.set(key, operations);
    const [long, short] = [rooflineTimes(operations[0], speeds[kind]!), rooflineTimes(operations[1], speeds[kind]!)];
    return { F: least(long.F - short.F), I: least(long.I - short.I), W: least(long.W - short.W) };
  };
}

/**
 * At an end of the pipeline there are tokens or losses instead of activations that come or go: it may need less than
 * the overhead of a stage. It then counts as needing nothing more, which is a little too much.
 */
function least(value: number): number {
  return Math.max(0, value);
}

/** What remains of a stage of blocks without its blocks. */
function overhead(options: CostOptions, recompute: Recompute): StageOverhead {
  const [three, four] = [stageCost(options, recompute, slice(3)), stageCost(options, recompute, slice(4))];
  const without = (of: (cost: StageCost) => number): number => of(three) - 3 * (of(four) - of(three));
  return {
    // Where parameters begin in a pack depends on those before, so that blocks differ by a few bytes.
    fixedBytes: least(without(({ weightBytes, otherBytes }) => weightBytes + otherBytes)),
    keptBytes: without(({ keptBytes }) => keptBytes),
    backwardBytes: without(({ backwardBytes }) => backwardBytes),
  };
}

/** Whether there are stages that compute I and W of a micro-batch together. */
function mayFuse({ optimisticStep }: CostOptions, recompute: Recompute): boolean {
  return recompute === 'full' && !optimisticStep;
}

interface StageCost {
  readonly weightBytes: number;
  /** Bytes of gradients, optimizer state, the copy to roll back to, and what is held once per step. */
  readonly otherBytes: number;
  readonly stateBytes: number;
  readonly keptBytes: number;
  readonly backwardBytes: number;
  readonly fusedBytes: number;
  readonly scratchBytes: number;
}

function stageCost(options: CostOptions, recompute: Recompute, of: StageSlice): StageCost {
  const { microBatch, microBatches, optimizer, evaluation, optimisticStep, formats } = options;
  const model: ModelConfig = { ...options.model, layers: LAYERS };
  const memory = (inFlight: number, inBackward: number, fusedBackward = false): StageMemoryBytes =>
    stageMemoryBytes(model, of, {
      fusedBackward,
      microBatch,
      recompute,
      ...formats,
      optimizer,
      inFlight,
      inBackward,
      microBatches,
      evaluation,
      optimisticStep,
    });
  const empty = memory(0, 0);
  return {
    weightBytes: empty.parameters,
    stateBytes: stageStateBytes(model, of, optimizer),
    otherBytes:
      empty.gradients + empty.optimizer + empty.saved + empty.evaluation - empty.evaluationScratch + empty.undo,
    keptBytes: memory(1, 0).saved - empty.saved,
    backwardBytes: memory(0, 1).saved - empty.saved,
    fusedBytes: memory(0, 1, true).saved - empty.saved,
    scratchBytes: empty.scratch + empty.evaluationScratch,
  };
}
