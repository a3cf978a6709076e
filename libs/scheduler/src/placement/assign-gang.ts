import { assert } from '@millrace/core';
import type { InventoryAgent } from './inventory-agent';
import type { QueuedRun } from './queued-run';
import { usableMemoryBytes } from './usable-memory';

/**
 * One device per rank out of `devices` (in order of preference), or undefined: never part of a gang. Each rank gets the
 * first device that holds its stage and leaves the later ranks a way to be placed; a run that arranges its devices
 * itself gets those that it names, once they are known.
 */
export function assignGang(
  run: QueuedRun,
  devices: readonly InventoryAgent[],
): InventoryAgent[] | 'unknown' | undefined {
  if (devices.length < run.ranks) return undefined;
  if (run.arrange !== undefined) return arranged(run, devices, run.arrange(devices));
  const required = Array.from({ length: run.ranks }, (_, rank) => run.requiredBytesPerStage?.[rank] ?? 0);
  if (!fits(required, devices)) return undefined;
  const gang: InventoryAgent[] = [];
  let left = [...devices];
  required.forEach((bytes, rank) => {
    const later = required.slice(rank + 1);
    const chosen = left.find((device) => {
      return (
        memoryOf(device) >= bytes &&
        fits(
          later,
          left.filter((other) => other !== device),
        )
      );
    });
    if (chosen === undefined) return;
    gang.push(chosen);
    left = left.filter((device) => device !== chosen);
  });
  return gang.length === run.ranks ? gang : undefined;
}

function arranged(
  { id, ranks }: QueuedRun,
  devices: readonly InventoryAgent[],
  ids: readonly string[] | 'unknown' | undefined,
): InventoryAgent[] | 'unknown' | undefined {
  if (ids === undefined || ids === 'unknown') return ids;
  const gang = [...new Set(ids)].flatMap((agentId) => devices.find((device) => device.id === agentId) ?? []);
  assert(gang.length === ranks, `run ${id} needs ${ranks} devices of those offered, and arranged ${ids.join(', ')}`);
  return gang;
}

/** Requirements are thresholds, so a matching exists exactly if the k-th largest fits the k-th largest memory. */
function fits(required: readonly number[], devices: readonly InventoryAgent[]): boolean {
  if (devices.length < required.length) return false;
  const memories = devices.map(memoryOf).sort(descending);
  return [...required].sort(descending).every((bytes, index) => (memories[index] ?? 0) >= bytes);
}

/** A device that does not say its memory is not known to be too small. */
function memoryOf(device: InventoryAgent): number {
  return device.memoryBytes === null ? Infinity : usableMemoryBytes(device.memoryBytes);
}

/** Infinity - Infinity is no number, so no subtraction. */
function descending(a: number, b: number): number {
  return a > b ? -1 : a < b ? 1 : 0;
}
