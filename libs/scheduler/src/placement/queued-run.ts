import { compareText, type InventoryAgent } from './inventory-agent';

/** A run that waits for a gang of devices. */
export interface QueuedRun {
  readonly id: string;
  /** 0 to 100, larger first. */
  readonly priority: number;
  /** Milliseconds since 1970; earlier first among equals. */
  readonly submittedAt: number;
  /** Milliseconds since 1970; the run is not placed before. */
  readonly notBefore?: number;
  /** Devices needed, all at once. */
  readonly ranks: number;
  /** `host` or `host:device`; empty admits every device. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Each must be on the device with this very value. */
  readonly labels: Readonly<Record<string, string>>;
  /** What the user demands; a device that does not say its memory fails it, unless it is 0. */
  readonly minMemoryBytes: number;
  /** What the model needs, one per rank; a device that does not say its memory passes. */
  readonly requiredBytesPerStage?: readonly number[];
  /**
   * Chooses `ranks` of at least as many devices, given in order of preference, and puts them in rank order; undefined
   * when the model cannot be split over any of them, and `unknown` when that has still to be found out. For runs whose
   * split follows from their devices, so that no memory per stage is known before. A pure function; without it those
   * devices are taken first that hold the stages.
   */
  readonly arrange?: (devices: readonly InventoryAgent[]) => readonly string[] | 'unknown' | undefined;
}

export function mustWait({ notBefore }: QueuedRun, now: number): boolean {
  return notBefore !== undefined && now < notBefore;
}

/** Priority, then first come first served, then id so that the order is total. */
export function compareRuns(a: QueuedRun, b: QueuedRun): number {
  return b.priority - a.priority || a.submittedAt - b.submittedAt || compareText(a.id, b.id);
}
