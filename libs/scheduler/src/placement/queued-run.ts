import { compareText, type InventoryAgent } from './inventory-agent';

export interface NeededFeature {
  /** Its WebGPU name. */
  readonly feature: string;
  /** A clause for a sentence: "train.precision f16". */
  readonly by: string;
}

/** A run that waits for a gang of devices. */
export interface QueuedRun {
  readonly id: string;
  /** 0 to 100, larger first. */
  readonly priority: number;
  /** Milliseconds since 1970; among runs of equal priority the earlier one comes first. */
  readonly submittedAt: number;
  /** Milliseconds since 1970; the run is not placed before this time. */
  readonly notBefore?: number;
  /** Devices needed, all at once. */
  readonly ranks: number;
  /** `host` or `host:device`; empty admits every device. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** The device must have each of these labels with this very value. */
  readonly labels: Readonly<Record<string, string>>;
  /** Features that the device's adapter must offer, each with what of the spec needs it. */
  readonly needs: readonly NeededFeature[];
  /** What the user demands. A device that does not tell its memory does not satisfy it, unless it is 0. */
  readonly minMemoryBytes: number;
  /** What the model needs, one entry per rank. A device that does not tell its memory counts as large enough. */
  readonly requiredBytesPerStage?: readonly number[];
  /**
   * Chooses `ranks` of the given devices, which are at least as many and in order of preference, and puts them in rank
   * order. Undefined means that the model cannot be split over any of them; `unknown` means that this must still be
   * found out. It is for runs whose split follows from their devices, so that no memory per stage is known in advance.
   * It must be a pure function. Without it, the devices on which the stages fit are taken in order.
   */
  readonly arrange?: (devices: readonly InventoryAgent[]) => readonly string[] | 'unknown' | undefined;
}

export function mustWait({ notBefore }: QueuedRun, now: number): boolean {
  return notBefore !== undefined && now < notBefore;
}

/** By priority, then by time of submission, then by id, so that the order is total. */
export function compareRuns(a: QueuedRun, b: QueuedRun): number {
  return b.priority - a.priority || a.submittedAt - b.submittedAt || compareText(a.id, b.id);
}
