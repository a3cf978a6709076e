import type { ModelConfig, Recompute } from '@millrace/core';
import type { LayerTimes, RunSpec } from '@millrace/contracts';
import type { LinkProfile, PlanRequest } from '@millrace/pipeline';

/** Measured times of layers, by recompute setting. */
export type MeasuredLayers = Readonly<Partial<Record<Recompute, LayerTimes>>>;

/** A device with what the planner needs to know about it. */
export interface PlannableDevice {
  /** host:device */
  readonly label: string;
  /** Undefined when the driver does not tell. */
  readonly memoryBytes?: number | undefined;
  /** Whether a software driver runs it; undefined if it is a GPU. */
  readonly isSoftware?: true | undefined;
  /** The result of its start-up benchmark. */
  readonly benchmark: unknown;
  /** How long the run's layers take on it, as far as that was measured; the rest is estimated from the benchmark. */
  readonly layers?: MeasuredLayers | undefined;
}

/**
 * By agent, the most bytes of one run that its device counts as holding: it ran out of memory when a plan gave it more.
 */
export type MemoryLimits = ReadonlyMap<string, number>;

/** The agents that the planner may use for one run. */
export interface PlanBasis {
  readonly devices: readonly PlannableDevice[];
  /** Indexed `[from][to]` by positions in `devices`. */
  readonly links: NonNullable<PlanRequest['links']>;
}

/** The basis as an attempt stores it: JSON has no undefined. */
export interface StoredBasis extends Omit<PlanBasis, 'links'> {
  readonly links: readonly (readonly (LinkProfile | null)[])[];
}

export function storedBasis({ devices, links }: PlanBasis): StoredBasis {
  return { devices, links: links.map((row) => row.map((link) => link ?? null)) };
}

/** All sizes of a run that its plan depends on, which are neither names nor learning rates: plans are kept by them. */
export function planSizes({ parallel, train, data }: RunSpec, model: ModelConfig): unknown[] {
  const { batch, steps, optimizer, precision } = train;
  return [parallel, batch, steps, { ...optimizer, lr: 0 }, precision, data.validation > 0, model];
}
