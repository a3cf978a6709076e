import { speedOf } from '../../ledger/agents/device-speed';
import type { PlanBasis } from '../../ledger/runs/plan-basis';

/**
 * Indices of the devices that a planner must choose among, in their order. Of devices that it cannot tell apart,
 * `ranks` are enough. A device with a measured link differs from all others.
 */
export function distinctDevices({ devices, links }: PlanBasis, ranks: number): number[] {
  const taken = new Map<string, number>();
  return devices.flatMap((device, index) => {
    if (links.some((row, other) => row[index] !== undefined || links[index]?.[other] !== undefined)) return [index];
    const { memoryBytes, isSoftware, layers } = device;
    const kind = JSON.stringify([memoryBytes, isSoftware, speedOf(device), layers]);
    const count = taken.get(kind) ?? 0;
    taken.set(kind, count + 1);
    return count < ranks ? [index] : [];
  });
}

/**
 * Only these devices, named after what tells them apart, so that equal choices of other devices give an equal basis.
 */
export function namelessBasis({ devices, links }: PlanBasis, indices: readonly number[]): PlanBasis {
  return {
    devices: indices.map((index, position) => {
      const { memoryBytes, isSoftware, benchmark, layers } = devices[index]!;
      return { label: `#${position}`, memoryBytes, ...(isSoftware && { isSoftware }), benchmark, layers };
    }),
    links: indices.map((from) => indices.map((to) => links[from]?.[to])),
  };
}
