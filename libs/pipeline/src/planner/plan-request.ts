import type { Recompute } from '@millrace/core';
import type { ComputeTimes } from '../simulate/schedule-times';

/** What a layer holds and how long it takes under one recompute setting, for one micro-batch. */
export interface LayerSetting {
  /** Bytes from the micro-batch's F to the end of its W. */
  readonly keptBytes: number;
  /** Bytes from its I to the end of its W: gradients, and what I brings back for W. */
  readonly backwardBytes: number;
  /** Needed while the layer computes. The blocks of a stage share it; embedding and head have their own. */
  readonly scratchBytes: number;
  /** Seconds by kind of device; what is computed again counts in I. */
  readonly seconds: Readonly<Record<string, ComputeTimes>>;
}

/** A block of the model, or its embedding, or its head with the loss. */
export interface LayerCost {
  readonly weightBytes: number;
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  readonly settings: Readonly<Partial<Record<Recompute, LayerSetting>>>;
}

/** What every stage holds besides its layers. */
export interface StageOverhead {
  /** Whatever is in flight. */
  readonly fixedBytes: number;
  /** Per micro-batch from F to W, and from I to W: its input, its output's gradient. */
  readonly keptBytes: number;
  readonly backwardBytes: number;
}

/** The model at one size of micro-batch. Fewer micro-batches per step are larger ones, which cost other times. */
export interface Workload {
  /** m */
  readonly microBatches: number;
  /** On the first stage. */
  readonly embedding: LayerCost;
  readonly blocks: readonly LayerCost[];
  /** On the last stage. */
  readonly head: LayerCost;
  /** Bytes of one activation between two stages; its gradient is as large. */
  readonly boundaryBytes: number;
  /** Nothing if not given. */
  readonly overhead?: Readonly<Partial<Record<Recompute, StageOverhead>>>;
}

export interface DeviceProfile {
  /** How people call it: `host:0`. */
  readonly label: string;
  /** Devices of one kind need the same times: the key into `LayerSetting.seconds`. */
  readonly kind: string;
  /** Times of the kind are divided by this; default 1. */
  readonly speed?: number;
  /** Memory that the run may take; undefined when the device does not say, which counts as enough. */
  readonly memoryBytes?: number;
}

export interface LinkProfile {
  readonly bytesPerSecond: number;
  readonly latencySeconds: number;
}

/** One way to run the step. */
export interface PlanSetting {
  /** Name that makeSchedule knows. */
  readonly schedule: string;
  /** The schedule itself, where its name is csv. */
  readonly csv?: string;
  /** pipedream: see ScheduleOptions. */
  readonly verticalSync?: boolean;
  readonly chunks: number;
  readonly microBatches: number;
  readonly recompute: Recompute;
}

export interface PlanCandidate extends PlanSetting {
  /** Planned for comparison only: it never wins, and the plan says what it would bring. */
  readonly adviceOnly?: boolean;
}

/** What the planner is asked. Plain data: the same request gives the same plan. */
export interface PlanRequest {
  /** p */
  readonly ranks: number;
  /** At least `ranks`; exactly so many, in rank order, where the order is given. */
  readonly devices: readonly DeviceProfile[];
  /** `given`: device r is rank r. `free` (default): the planner chooses and orders them. */
  readonly deviceOrder?: 'given' | 'free';
  /**
   * The fraction by which another choice or order of devices must be faster before the first ones in their order are
   * left: speeds are measured, and noise alone should not move stages. Default 0.
   */
  readonly reorderGain?: number;
  /** `[from][to]` by index of `devices`; a missing entry, like no links at all, costs no time. */
  readonly links?: readonly (readonly (LinkProfile | undefined)[])[];
  /** One per number of micro-batches that a candidate names. */
  readonly workloads: readonly Workload[];
  readonly candidates: readonly PlanCandidate[];
  /** Whether the first and the last stage may hold no block, only the embedding or the head. Default true. */
  readonly emptyEnds?: boolean;
  /** Layers per stage where the user fixed them; then only devices are chosen. */
  readonly layersPerStage?: readonly number[];
}
