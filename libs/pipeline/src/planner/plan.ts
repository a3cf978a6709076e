import type { PeakMicroBatches } from '../proof/in-flight';
import type { ComputeTimes } from '../simulate/schedule-times';
import type { PlanSetting } from './plan-request';

/** Bytes of device memory at the worst moment of a step. */
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
  /** Blocks. */
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
  /** Seconds of a step in which it computes. */
  readonly busySeconds: number;
  readonly idleSeconds: number;
  /** Of its stages together. */
  readonly memory: PlannedMemory;
  /** Undefined when the device does not say. */
  readonly availableBytes?: number;
}

/** A way to run the step, with what the simulation says of it. */
export interface PlanOutline {
  readonly setting: PlanSetting;
  /** Blocks per stage. */
  readonly layersPerStage: readonly number[];
  /** Index = rank; labels of devices. */
  readonly devices: readonly string[];
  readonly stepSeconds: number;
  /** Idle / total time of all ranks. */
  readonly bubbleOfTotal: number;
  /** Idle / busy time of all ranks. */
  readonly bubbleOfIdeal: number;
  /** Whether every rank's memory holds it. */
  readonly fits: boolean;
}

/** Why a plan was not taken. */
export interface RunnerUp {
  /** What it is: `gpipe, m = 8`, `even split`, `DeepSpeed's parameters rule`, `devices b:0, a:0`. */
  readonly name: string;
  /** Undefined when there is no such plan at all. */
  readonly outline?: PlanOutline;
  /** One sentence with the numbers that decide. */
  readonly reason: string;
}

export interface Plan extends PlanOutline {
  readonly stages: readonly PlannedStage[];
  readonly ranks: readonly PlannedRank[];
  readonly peakMicroBatches: PeakMicroBatches;
  /** Best first; settings, device orders, and the two splits that others would make. */
  readonly runnerUps: readonly RunnerUp[];
}
