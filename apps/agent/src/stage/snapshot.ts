import { type OptimizerState, optimizerStates, stateName, TOKEN_EMBEDDING } from '@millrace/model';
import type { Backend, DeviceTensor, HostArray } from '@millrace/runtime';
import type { StageMemory } from './stage-memory';
import type { StagePlan } from './stage-plan';
import type { SnapshotTensor } from './stage-ports';
import type { WorkTimeline } from './work-timeline';

/** Tensors copied with one command: bounds the size of a staging buffer. */
const GROUP_BYTES_MAX = 64 * 2 ** 20;

export interface PendingTensor {
  readonly entry: Omit<SnapshotTensor, 'data'>;
  readonly tensor: DeviceTensor;
}

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
  return copyOut(snapshotTensors(plan, memory), memory.backend, timeline);
}

/** Of any tensors, in their order. */
export function copyOut(
  tensors: readonly PendingTensor[],
  backend: Backend,
  timeline: WorkTimeline,
): AsyncIterable<SnapshotTensor> {
  const groups = groupsOf(tensors);
  const reads = groups.map((group) => {
    const read = backend.readAll(
      group.map(({ tensor }) => tensor),
      timeline.delayMs(),
    );
    read.catch(() => undefined);
    return read;
  });
  return arrivals(groups, reads);
}

async function* arrivals(
  groups: readonly PendingTensor[][],
  reads: readonly Promise<HostArray[]>[],
): AsyncIterable<SnapshotTensor> {
  for (const [index, group] of groups.entries()) {
    const arrays = await reads[index]!;
    for (const [position, { entry }] of group.entries()) yield { ...entry, data: arrays[position]! };
  }
}

function groupsOf(tensors: readonly PendingTensor[]): PendingTensor[][] {
  const groups: PendingTensor[][] = [];
  let groupBytes = Infinity;
  for (const pending of tensors) {
    const bytes = pending.entry.shape.reduce((product, size) => product * size, 4);
    if (groupBytes + bytes > GROUP_BYTES_MAX) {
      groups.push([]);
      groupBytes = 0;
    }
    groups.at(-1)?.push(pending);
    groupBytes += bytes;
  }
  return groups;
}

/** The rank's weights and optimizer state. */
export function snapshotTensors(plan: StagePlan, memory: StageMemory): PendingTensor[] {
  const kinds: readonly ('weight' | OptimizerState)[] = ['weight', ...optimizerStates(plan.optimizer)];
  return memory.chunks.flatMap((chunk) =>
    chunk.programs.parameters
      .filter(({ name }) => name !== TOKEN_EMBEDDING || chunk.chunk.slice.embedding)
      .flatMap(({ name, shape }) =>
        kinds.map((kind) => ({ entry: { name, kind, shape }, tensor: chunk.tensor(deviceName(name, kind)) })),
      ),
  );
}

function deviceName(name: string, kind: 'weight' | OptimizerState): string {
  return kind === 'weight' ? name : stateName(name, kind);
}
