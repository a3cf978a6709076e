import type { Recompute } from '@millrace/core';
import type { ComputeTimes } from '../simulate/schedule-times';
import type { SnapshotWindow } from './staging';

/** What a layer holds and how long it takes for one micro-batch under one recompute setting. */
export interface LayerSetting {
  /** Bytes held from the micro-batch's F to the end of its W. */
  readonly keptBytes: number;
  /** Bytes held from its I to the end of its W: gradients, and what I computes again for W. */
  readonly backwardBytes: number;
  /** The same on a stage that computes I and W together, whose blocks share them; undefined if no stage may. */
  readonly fusedBytes?: number;
  /** Bytes needed while the layer computes. The blocks of a stage share them; embedding and head have their own. */
  readonly scratchBytes: number;
  /** Seconds by kind of device; what is computed again counts as part of I. */
  readonly seconds: Readonly<Record<string, ComputeTimes>>;
}

/** A block of the model, or its embedding, or its head with the loss. */
export interface LayerCost {
  readonly weightBytes: number;
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  /** What a snapshot copies of the layer: one version of its weights, and its optimizer's state. */
  readonly stateBytes: number;
  readonly settings: Readonly<Partial<Record<Recompute, LayerSetting>>>;
}

/** What every stage holds besides its layers. */
export interface StageOverhead {
  /** Bytes held whatever is in flight. */
  readonly fixedBytes: number;
  /** Bytes per micro-batch, from F to W and from I to W: its input, and its output's gradient. */
  readonly keptBytes: number;
  readonly backwardBytes: number;
}

/** The model at one size of micro-batch. With fewer micro-batches per step they are larger, and take other times. */
export interface Workload {
  /** m */
  readonly microBatches: number;
  /** The embedding, which is on the first stage. */
  readonly embedding: LayerCost;
  readonly blocks: readonly LayerCost[];
  /** The head, which is on the last stage. */
  readonly head: LayerCost;
  /** Bytes of one activation between two stages; its gradient is as large. */
  readonly boundaryBytes: number;
  /** Nothing is added if this is left out. */
  readonly overhead?: Readonly<Partial<Record<Recompute, StageOverhead>>>;
  /** What ranks copy out of their tensors takes no memory if this is left out. */
  readonly staging?: {
    /** Bytes of the gradient that the ends of a model with tied embeddings send each other; 0 if there is none. */
    readonly tiedBytes: number;
    /** The agent's by default. */
    readonly snapshotWindow?: SnapshotWindow;
  };
}

export interface DeviceProfile {
  /** The device's name for people: `host:0`. */
  readonly label: string;
  /** Devices of one kind take the same times; it is the key into `LayerSetting.seconds`. */
  readonly kind: string;
  /** The times of the kind are divided by this; 1 by default. */
  readonly speed?: number;
  /** Memory that the run may take; undefined when the device does not tell, which counts as enough. */
  readonly memoryBytes?: number;
  /** What a rank on the device holds besides all else, however its stages are cut; 0 by default. */
  readonly heldBytes?: number;
}

export interface LinkProfile {
  readonly bytesPerSecond: number;
  readonly latencySeconds: number;
}

/** One way to run the step. */
export interface PlanSetting {
  /** A name that makeSchedule knows. */
  readonly schedule: string;
  /** The schedule itself, if its name is csv. */
  readonly csv?: string;
  /** For pipedream: see ScheduleOptions. */
  readonly verticalSync?: boolean;
  readonly chunks: number;
  readonly microBatches: number;
  readonly recompute: Recompute;
}

export interface PlanCandidate extends PlanSetting {
  /** Planned only for comparison: it never wins, and the plan tells what it would gain. */
  readonly adviceOnly?: boolean;
}

/** The planner's input, as plain data: the same request gives the same plan. */
export interface PlanRequest {
  /** p */
  readonly ranks: number;
  /** At least `ranks` devices; if the order is given, exactly that many, in rank order. */
  readonly devices: readonly DeviceProfile[];
  /** `given`: device r is rank r. `free` (the default): the planner chooses and orders them. */
  readonly deviceOrder?: 'given' | 'free';
  /**
   * The fraction by which another choice or order of devices must be faster before the planner leaves the given order:
   * speeds are measured, and noise alone should not move stages. 0 by default.
   */
  readonly reorderGain?: number;
  /** Indexed `[from][to]` by positions in `devices`; a transfer over a missing link takes no time. */
  readonly links?: readonly (readonly (LinkProfile | undefined)[])[];
  /** One for each number of micro-batches that a candidate names. */
  readonly workloads: readonly Workload[];
  readonly candidates: readonly PlanCandidate[];
  /** Whether the first and the last stage may hold no block, only the embedding or the head; true by default. */
  readonly emptyEnds?: boolean;
  /** Layers per stage, if the user fixed them; then only devices are chosen. */
  readonly layersPerStage?: readonly number[];
}
