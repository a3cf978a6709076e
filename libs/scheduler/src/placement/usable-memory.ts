/**
 * Part of a device's memory that no stage is planned into: the driver's own, buffers through which data is staged to
 * and from the host, and what a desktop or a neighbour on the same device takes.
 */
const HEADROOM_PART = 1 / 16;

export function usableMemoryBytes(memoryBytes: number): number {
  return Math.floor(memoryBytes * (1 - HEADROOM_PART));
}
