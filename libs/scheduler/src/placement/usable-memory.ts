/**
 * Part of a device's memory that no stage is planned into: the driver's own, buffers through which data is staged to
 * and from the host, and what a desktop or a neighbour on the same device takes.
 */
const HEADROOM_PART = 1 / 16;

export function usableMemoryBytes(memoryBytes: number): number {
  return Math.floor(memoryBytes * (1 - HEADROOM_PART));
}

/** How much of what a plan gave a device that then ran out of memory the device counts as holding. */
const HELD_PART = 0.9;

/**
 * What a run's next plan may give a device that ran out of memory under a plan which gave it so much. How much the
 * device really held is not known: the part makes the next plan a smaller one.
 */
export function heldMemoryBytes(plannedBytes: number): number {
  return Math.floor(plannedBytes * HELD_PART);
}
