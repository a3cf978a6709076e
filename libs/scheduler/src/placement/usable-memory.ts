/**
 * The part of a device's memory that no stage is planned into. It is left for the driver, for buffers through which
 * data moves to the device, and for a desktop or a neighbour on the same device.
 */
const HEADROOM_PART = 1 / 16;

export function usableMemoryBytes(memoryBytes: number): number {
  return Math.floor(memoryBytes * (1 - HEADROOM_PART));
}

/** After a device ran out of memory, it counts as holding this part of what the plan had given it. */
const HELD_PART = 0.9;

/**
 * How much a run's next plan may give to a device that ran out of memory with `plannedBytes`. How much the device
 * really holds is not known: the next plan simply must be smaller.
 */
export function heldMemoryBytes(plannedBytes: number): number {
  return Math.floor(plannedBytes * HELD_PART);
}
