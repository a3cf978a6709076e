import type { PeakMicroBatches } from '../proof/in-flight';
import type { ComputeTimes } from '../simulate/schedule-times';
import type { PlanSetting } from './plan-request';

/** Bytes of device memory at the peak of a step. */
export interface PlannedMemory {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  /** What the micro-batches in flight hold. */
  readonly activations: number;
  /** Scratch tensors, and what a stage holds besides its layers. */
  readonly working: number;
  readonly total: number;
}

export interface PlannedStage {
  readonly stage: number;
  readonly rank: number;
  readonly firstLayer: number;
  /** Number of blocks. */
  readonly layerCount: number;
  readonly embedding: boolean;
  readonly head: boolean;
  /** Seconds of one micro-batch. */
  readonly times: ComputeTimes;
  readonly memory: PlannedMemory;
}

export interface PlannedRank {
  readonly rank: number;
  /** Index into the request's devices. */
  readonly device: number;
  readonly label: string;
  /** The seconds of a step in which the rank computes. */
  readonly busySeconds: number;
  readonly idleSeconds: number;
  /** The memory of its stages together. */
  readonly memory: PlannedMemory;
  /** Undefined when the device does not tell. */
  readonly availableBytes?: number;
}

/** A way to run the step, with what the simulation predicts for it. */
export interface PlanOutline {
  readonly setting: PlanSetting;
  /** Blocks per stage. */
  readonly layersPerStage: readonly number[];
  /** Labels of the devices, indexed by rank. */
  readonly devices: readonly string[];
  readonly stepSeconds: number;
  /** Idle / total time of all ranks. */
  readonly bubbleOfTotal: number;
  /** Idle / busy time of all ranks. */
  readonly bubbleOfIdeal: number;
  /** Whether the memory of every rank is large enough. */
  readonly fits: boolean;
}

/** A plan that was not chosen, and why. */
export interface RunnerUp {
  /** Its name: `gpipe, m = 8`, `even split`, `DeepSpeed's parameters rule`, `devices b:0, a:0`. */
  readonly name: string;
  /** Undefined if such a plan does not exist at all. */
  readonly outline?: PlanOutline;
  /** One sentence with the numbers that decide against it. */
  readonly reason: string;
}

export interface Plan extends PlanOutline {
  readonly stages: readonly PlannedStage[];
  readonly ranks: readonly PlannedRank[];
  readonly peakMicroBatches: PeakMicroBatches;
  /** The best first: settings, device orders, and the two splits that others would make. */
  readonly runnerUps: readonly RunnerUp[];
}
