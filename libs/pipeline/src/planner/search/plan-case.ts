import { lowerSchedule } from '../../lower/lower-schedule';
import { weightFollowsInput } from '../../lower/weight-follows-input';
import { weightVersionsKept } from '../../schedule/asynchronous/weight-versions';
import { makeSchedule } from '../../schedule/make-schedule';
import { splitBackward } from '../../schedule/split-backward';
import type { ComputeTimes, StageTimes } from '../../simulate/schedule-times';
import { steadyState } from '../../simulate/simulate-step';
import type {
  LayerCost,
  LayerSetting,
  LinkProfile,
  PlanCandidate,
  PlanRequest,
  StageOverhead,
  Workload,
} from '../plan-request';
import type { PlannedMemory } from '../plan';
import { planRequestInvalid } from '../planner.errors';
import { stagingBytes } from '../staging';
import { CompiledSchedule, KIND_OFFSET } from './compiled-schedule';
import { deviceClasses } from './device-classes';
import { SearchWork } from './search-work';

/** Which blocks are on which device: what the search varies. */
export interface Layout {
  /** Blocks per stage. */
  readonly counts: readonly number[];
  /** Index of the device of each rank. */
  readonly order: readonly number[];
}

export interface CaseCost {
  readonly stepSeconds: number;
  /** By how much the memory of all ranks together is exceeded; 0 when it fits. */
  readonly overflowBytes: number;
}

/** Blocks `start` to `end - 1` on a stage. */
export interface BlockRange {
  readonly stage: number;
  readonly start: number;
  readonly end: number;
}

/** What makes up a stage's memory, besides scratch. */
type Part = 'weights' | 'gradients' | 'optimizer' | 'state' | 'kept' | 'backward';

/**
 * How much work the search for one candidate may do, in simulated actions: one or two seconds. A candidate that is
 * planned only for comparison gets a part of that. A schedule of the largest size can be simulated some 150 times, and
 * one of 8 ranks and 64 micro-batches more often than the search needs.
 */
const WORK_MAX = 2e8;
const ADVICE_WORK_MAX = WORK_MAX / 8;
/** The work of judging a layout, per stage, besides the simulation. */
const STAGE_WORK = 20;

/** What the blocks of a stage share, and what the ends of the model hold apart from them. */
interface SharedBytes {
  readonly embedding: number;
  readonly block: number;
  readonly head: number;
}

const NO_OVERHEAD: StageOverhead = { fixedBytes: 0, keptBytes: 0, backwardBytes: 0 };

/**
 * One candidate with everything by which a layout is judged: sums over any range of layers in constant time, and the
 * compiled schedule.
 */
export class PlanCase {
  readonly workload: Workload;
  readonly compiled: CompiledSchedule;
  /**
   * Set for a schedule without a flush: the time that `compiled` takes in addition to this one is that of so many
   * steps.
   */
  private readonly fill: { readonly compiled: CompiledSchedule; readonly steps: number } | undefined;
  /** Which stages compute I and W of a micro-batch together. */
  private readonly fused: readonly boolean[];
  /** How many weight versions each stage holds at once. */
  private readonly versions: readonly number[];
  private readonly times: ReadonlyMap<string, Readonly<Record<keyof ComputeTimes, Float64Array>>>;
  private readonly bytes: Readonly<Record<Part, Float64Array>>;
  private readonly scratch: SharedBytes;
  /** What a stage that computes I and W together holds between them. */
  private readonly fusedBytes: SharedBytes;
  private readonly overhead: StageOverhead;
  private readonly durations: Float64Array;
  private readonly linkTimes: Float64Array;
  private classes: readonly number[] | undefined;

  /** Throws PIPELINE.* when there is no such schedule or the request lacks a cost. */
  constructor(
    readonly request: PlanRequest,
    readonly candidate: PlanCandidate,
    /** The work of judging layouts is added to it. */
    readonly work = new SearchWork(candidate.adviceOnly === true ? ADVICE_WORK_MAX : WORK_MAX),
  ) {
    const { schedule: name, chunks, microBatches, csv, verticalSync } = candidate;
    const made = makeSchedule({ name, ranks: request.ranks, microBatches, chunks, csv, verticalSync });
    const lowered = lowerSchedule(splitBackward(made));
    const steady = steadyState(lowered);
    this.compiled = new CompiledSchedule(steady?.whole ?? lowered);
    const { updates, ranks, rankOfStage } = this.compiled.schedule;
    this.versions = rankOfStage.map((rank) => weightVersionsKept({ updates, ranks, rank }));
    this.fill = steady && { compiled: new CompiledSchedule(steady.fill), steps: steady.steps };
    this.workload = workloadOf(request, microBatches);
    const { embedding, blocks, head } = this.workload;
    const layers = [embedding, ...blocks, head];
    const settings = layers.map((layer) => settingOf(layer, candidate));
    const mayFuse = settings.every(({ fusedBytes }) => fusedBytes !== undefined);
    this.fused = weightFollowsInput(lowered).map((follows) => mayFuse && follows);
    this.times = new Map(request.devices.map(({ kind }) => [kind, timesOf(settings, kind)]));
    this.bytes = {
      weights: sums(layers.map(({ weightBytes }) => weightBytes)),
      gradients: sums(layers.map(({ gradientBytes }) => gradientBytes)),
      optimizer: sums(layers.map(({ optimizerBytes }) => optimizerBytes)),
      state: sums(layers.map(({ stateBytes }) => stateBytes)),
      kept: sums(settings.map(({ keptBytes }) => keptBytes)),
      backward: sums(settings.map(({ backwardBytes }) => backwardBytes)),
    };
    this.scratch = sharedBytes(settings.map(({ scratchBytes }) => scratchBytes));
    this.fusedBytes = sharedBytes(settings.map(({ fusedBytes = 0 }) => fusedBytes));
    this.overhead = this.workload.overhead?.[candidate.recompute] ?? NO_OVERHEAD;
    this.durations = new Float64Array(3 * this.stages);
    this.linkTimes = new Float64Array(2 * this.stages);
  }

  /** What `deviceClasses` says of the request; the search for an order and the one for a better layout both ask. */
  get deviceClasses(): readonly number[] {
    this.classes ??= deviceClasses(this.request);
    return this.classes;
  }

  get stages(): number {
    return this.compiled.schedule.stages;
  }

  get blocks(): number {
    return this.workload.blocks.length;
  }

  rankOf(stage: number): number {
    return this.compiled.schedule.rankOfStage[stage]!;
  }

  /** The fewest blocks that a stage may hold. */
  fewest(stage: number): number {
    return this.isEnd(stage) && this.request.emptyEnds !== false ? 0 : 1;
  }

  /** Seconds of one micro-batch. */
  timesOf(range: BlockRange, device: number): ComputeTimes {
    const { kind, speed = 1 } = this.request.devices[device]!;
    const sumsOfKind = this.times.get(kind)!;
    const { from, to } = this.layers(range);
    const of = (sum: Float64Array, end = to): number => (sum[end]! - sum[from]!) / speed;
    const [F, I, W] = [of(sumsOfKind.F), of(sumsOfKind.I), of(sumsOfKind.W)];
    if (this.fused[range.stage] !== true || range.end === range.start) return { F, I, W };
    // A fused backward leaves W of the layers up to the first block, which follow the gradient's leaving, and no other.
    const left = of(sumsOfKind.W, range.start + 2);
    return { F, I: I + W - left, W: left };
  }

  /** The seconds of F, I and W together, without making a record: the splitting asks for this most often. */
  secondsOf(range: BlockRange, device: number): number {
    const { kind, speed = 1 } = this.request.devices[device]!;
    const { F, I, W } = this.times.get(kind)!;
    const { from, to } = this.layers(range);
    return (F[to]! - F[from]! + I[to]! - I[from]! + W[to]! - W[from]!) / speed;
  }

  /** Memory of a stage at its peak: room for as many micro-batches as the schedule ever has in flight. */
  memoryOf(range: BlockRange): PlannedMemory {
    const { stage } = range;
    const { fromForward, fromInput } = this.compiled.slots;
    const { fixedBytes, keptBytes, backwardBytes } = this.overhead;
    const { from, to } = this.layers(range);
    const of = (part: Part): number => this.bytes[part][to]! - this.bytes[part][from]!;
    const weights = of('weights') * this.versions[stage]!;
    const gradients = of('gradients');
    const optimizer = of('optimizer');
    const backward = this.fused[stage] === true ? this.sharedOf(this.fusedBytes, range) : of('backward');
    const activations = fromForward[stage]! * (of('kept') + keptBytes) + fromInput[stage]! * (backward + backwardBytes);
    const working = fixedBytes + this.sharedOf(this.scratch, range);
    const total = weights + gradients + optimizer + activations + working;
    return { weights, gradients, optimizer, activations, working, total };
  }

  /** Bytes of the device that stages may take; Infinity when it does not tell. */
  availableOf(device: number): number {
    const { memoryBytes = Infinity, heldBytes = 0 } = this.request.devices[device]!;
    return memoryBytes - heldBytes;
  }

  ranges(counts: readonly number[]): BlockRange[] {
    let start = 0;
    return counts.map((count, stage) => {
      const range = { stage, start, end: start + count };
      start += count;
      return range;
    });
  }

  /** The memory of a rank. Its stages share nothing but what is staged. */
  rankBytes(rank: number, ranges: readonly BlockRange[]): number {
    const own = this.compiled.schedule.stagesOfRank[rank]!;
    return own.reduce((sum, stage) => sum + this.memoryOf(ranges[stage]!).total, this.stagingBytes(rank, ranges));
  }

  /** What a rank stages, once for all its stages. */
  stagingBytes(rank: number, ranges: readonly BlockRange[]): number {
    const own = this.compiled.schedule.stagesOfRank[rank]!;
    const stateBytes = own.reduce((sum, stage) => sum + this.stateBytes(ranges[stage]!), 0);
    const ends = own.filter((stage) => this.isEnd(stage)).length;
    return this.staged(stateBytes, ends === 1);
  }

  /** The memory of a stage with an equal part of what its rank may stage. */
  stageShareBytes(range: BlockRange): number {
    const { chunks } = this.compiled.schedule;
    const staged = this.staged(chunks * this.stateBytes(range), this.isEnd(range.stage));
    return this.memoryOf(range).total + staged / chunks;
  }

  evaluate({ counts, order }: Layout): CaseCost {
    const ranges = this.ranges(counts);
    for (const range of ranges) {
      const { F, I, W } = this.timesOf(range, order[this.rankOf(range.stage)]!);
      const at = 3 * range.stage;
      this.durations[at + KIND_OFFSET.F] = F;
      this.durations[at + KIND_OFFSET.I] = I;
      this.durations[at + KIND_OFFSET.W] = W;
    }
    this.links(order).forEach(({ forward, backward }, stage) => {
      this.linkTimes[2 * stage] = forward;
      this.linkTimes[2 * stage + 1] = backward;
    });
    return {
      stepSeconds: this.stepSeconds(),
      overflowBytes: order.reduce((sum, device, rank) => sum + this.overflow(rank, device, ranges), 0),
    };
  }

  private stepSeconds(): number {
    const { compiled, fill, durations, linkTimes, work, stages } = this;
    work.add(compiled.length + (fill?.compiled.length ?? 0) + STAGE_WORK * stages);
    const seconds = compiled.stepTime(durations, linkTimes);
    return fill === undefined ? seconds : (seconds - fill.compiled.stepTime(durations, linkTimes)) / fill.steps;
  }

  /** The times in the form of simulateSchedule. */
  stageTimes({ counts, order }: Layout): StageTimes {
    const stages = this.ranges(counts).map((range) => this.timesOf(range, order[this.rankOf(range.stage)]!));
    return { stages, links: this.links(order) };
  }

  /** Seconds of a tensor between stages s and s + 1; 0 if both are on one rank. */
  links(order: readonly number[]): { forward: number; backward: number }[] {
    const { boundaryBytes } = this.workload;
    return Array.from({ length: this.stages - 1 }, (_, stage) => {
      const [from, to] = [order[this.rankOf(stage)]!, order[this.rankOf(stage + 1)]!];
      if (from === to) return { forward: 0, backward: 0 };
      const seconds = (link: LinkProfile | undefined): number =>
        link === undefined ? 0 : link.latencySeconds + boundaryBytes / link.bytesPerSecond;
      return {
        forward: seconds(this.request.links?.[from]?.[to]),
        backward: seconds(this.request.links?.[to]?.[from]),
      };
    });
  }

  private overflow(rank: number, device: number, ranges: readonly BlockRange[]): number {
    const available = this.availableOf(device);
    if (available === Infinity) return 0;
    return Math.max(0, this.rankBytes(rank, ranges) - available);
  }

  /** The layers of a range as embedding, blocks and head: the ends of the pipeline hold more than blocks. */
  private layers({ stage, start, end }: BlockRange): { from: number; to: number } {
    return { from: stage === 0 ? 0 : start + 1, to: stage === this.stages - 1 ? this.blocks + 2 : end + 1 };
  }

  private staged(stateBytes: number, sendsTied: boolean): number {
    const { boundaryBytes, staging } = this.workload;
    if (staging === undefined) return 0;
    const many = this.stages > 1;
    return stagingBytes(
      { stateBytes, boundaryBytes: many ? boundaryBytes : 0, tiedBytes: many && sendsTied ? staging.tiedBytes : 0 },
      staging.snapshotWindow,
    );
  }

  private isEnd(stage: number): boolean {
    return stage === 0 || stage === this.stages - 1;
  }

  private stateBytes(range: BlockRange): number {
    const { from, to } = this.layers(range);
    return this.bytes.state[to]! - this.bytes.state[from]!;
  }

  private sharedOf({ embedding, block, head }: SharedBytes, { stage, start, end }: BlockRange): number {
    const ends = (stage === 0 ? embedding : 0) + (stage === this.stages - 1 ? head : 0);
    return ends + (end > start ? block : 0);
  }
}

/** Of the embedding, each block, and the head, in this order. */
function sharedBytes(layers: readonly number[]): SharedBytes {
  const block = layers.slice(1, -1).reduce((most, bytes) => Math.max(most, bytes), 0);
  return { embedding: layers[0]!, block, head: layers.at(-1)! };
}

function workloadOf({ workloads }: PlanRequest, microBatches: number): Workload {
  const found = workloads.find((workload) => workload.microBatches === microBatches);
  if (found === undefined) {
    throw planRequestInvalid(
      `a candidate has ${microBatches} micro-batches; workloads are for ` +
        `${workloads.map((workload) => workload.microBatches).join(', ')}: add the one that is missing`,
    );
  }
  return found;
}

function settingOf(layer: LayerCost, { recompute }: PlanCandidate): LayerSetting {
  const setting = layer.settings[recompute];
  if (setting === undefined) throw planRequestInvalid(`a layer has no cost for recompute ${recompute}: add it`);
  return setting;
}

function timesOf(settings: readonly LayerSetting[], kind: string): Record<keyof ComputeTimes, Float64Array> {
  const all = settings.map(({ seconds }) => {
    const times = seconds[kind];
    if (times === undefined) throw planRequestInvalid(`a layer has no times on devices of kind ${kind}: add them`);
    return times;
  });
  return { F: sums(all.map(({ F }) => F)), I: sums(all.map(({ I }) => I)), W: sums(all.map(({ W }) => W)) };
}

/** Entry k is the sum of the first k values. */
function sums(values: readonly number[]): Float64Array {
  const result = new Float64Array(values.length + 1);
  values.forEach((value, index) => (result[index + 1] = result[index]! + value));
  return result;
}
