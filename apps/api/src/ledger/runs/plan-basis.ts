import type { Recompute } from '@millrace/core';
import type { LayerTimes } from '@millrace/contracts';
import type { LinkProfile, PlanRequest } from '@millrace/pipeline';

/** Measured, by recompute setting. */
export type MeasuredLayers = Readonly<Partial<Record<Recompute, LayerTimes>>>;

/** A device as the planner needs to know it. */
export interface PlannableDevice {
  /** host:device */
  readonly label: string;
  /** Undefined when the driver does not say. */
  readonly memoryBytes?: number | undefined;
  /** Of its start-up benchmark. */
  readonly benchmark: unknown;
  /** What the run's layers take on it, where that was measured; what was not is told from the benchmark. */
  readonly layers?: MeasuredLayers | undefined;
}

/**
 * By agent, the most bytes of one run that its device counts as holding: it ran out of memory when a plan gave it more.
 */
export type MemoryLimits = ReadonlyMap<string, number>;

/** Agents as the planner is told of them, for one run. */
export interface PlanBasis {
  readonly devices: readonly PlannableDevice[];
  /** `[from][to]` by index of `devices`. */
  readonly links: NonNullable<PlanRequest['links']>;
}

/** As an attempt keeps it: JSON has no undefined. */
export interface StoredBasis extends Omit<PlanBasis, 'links'> {
  readonly links: readonly (readonly (LinkProfile | null)[])[];
}

export function storedBasis({ devices, links }: PlanBasis): StoredBasis {
  return { devices, links: links.map((row) => row.map((link) => link ?? null)) };
}
