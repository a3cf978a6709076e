import { optimizerStates, stateName, TOKEN_EMBEDDING } from '@millrace/model';
import type { HostArray } from '@millrace/runtime';
import type { StageMemory } from './stage-memory';
import type { StagePlan } from './stage-plan';
import type { SnapshotTensor, WeightKind } from './stage-ports';
import type { WorkTimeline } from './work-timeline';

/** Tensors copied with one command: bounds the size of a staging buffer. */
const GROUP_BYTES_MAX = 64 * 2 ** 20;

type Pending = Omit<SnapshotTensor, 'data'>;

/**
 * Copies the rank's weights and optimizer state as they are now: the copies are enqueued before this returns, so
 * training may go on; the iterator gives them as they reach the host. A tied head's copy of the embedding is left to
 * the first stage.
 */
export function takeSnapshot(
  plan: StagePlan,
  memory: StageMemory,
  timeline: WorkTimeline,
): AsyncIterable<SnapshotTensor> {
  const groups = snapshotGroups(plan, memory);
  const reads = groups.map((group) => {
    const tensors = group.map(({ name, kind }) => memory.tensor(deviceName(name, kind)));
    const read = memory.backend.readAll(tensors, timeline.delayMs());
    read.catch(() => undefined);
    return read;
  });
  return arrivals(groups, reads);
}

async function* arrivals(
  groups: readonly Pending[][],
  reads: readonly Promise<HostArray[]>[],
): AsyncIterable<SnapshotTensor> {
  for (const [index, group] of groups.entries()) {
    const arrays = await reads[index]!;
    for (const [position, tensor] of group.entries()) yield { ...tensor, data: arrays[position]! };
  }
}

function snapshotGroups(plan: StagePlan, memory: StageMemory): Pending[][] {
  const groups: Pending[][] = [];
  const kinds: readonly WeightKind[] = ['weight', ...optimizerStates(plan.optimizer)];
  let groupBytes = Infinity;
  for (const { name, shape } of memory.programs.parameters) {
    if (name === TOKEN_EMBEDDING && !plan.slice.embedding) continue;
    const bytes = shape.reduce((product, size) => product * size, 4);
    for (const kind of kinds) {
      if (groupBytes + bytes > GROUP_BYTES_MAX) {
        groups.push([]);
        groupBytes = 0;
      }
      groups.at(-1)?.push({ name, kind, shape });
      groupBytes += bytes;
    }
  }
  return groups;
}

function deviceName(name: string, kind: WeightKind): string {
  return kind === 'weight' ? name : stateName(name, kind);
}
