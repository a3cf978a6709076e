import { type OptimizerState, optimizerStates, ownedParameters, stateName } from '@millrace/model';
import type { Backend, DeviceTensor, HostArray, Staging, TensorPiece } from '@millrace/runtime';
import type { StageMemory } from './stage-memory';
import type { StagePlan } from './stage-plan';
import type { SnapshotPiece } from './stage-ports';
import type { WorkTimeline } from './work-timeline';

export interface SnapshotParts {
  readonly backend: Backend;
  readonly timeline: Pick<WorkTimeline, 'delayMs'>;
  /**
   * The window: a group of pieces passes through each of its buffers. Where a tensor is larger, whole blocks fill a
   * buffer, because a piece of a tensor consists of whole blocks.
   */
  readonly staging: Staging;
}

export interface Snapshot {
  /** The pieces of each tensor from its beginning to its end, one tensor after the other. */
  readonly pieces: AsyncIterable<SnapshotPiece>;
  /** Resolves when the copies of everything are enqueued; until then the tensors may not change. */
  readonly copied: Promise<void>;
}

export interface TensorToCopy {
  readonly entry: Omit<SnapshotPiece, 'data' | 'elementOffset'>;
  readonly tensor: DeviceTensor;
}

interface PendingPiece extends TensorPiece {
  readonly entry: TensorToCopy['entry'];
}

/**
 * Copies tensors out as they are now, in their order. What fits into the window is enqueued before this returns; the
 * rest is copied while pieces are taken.
 */
export function copyOut(tensors: readonly TensorToCopy[], { backend, timeline, staging }: SnapshotParts): Snapshot {
  const groups = groupsOf(tensors, staging.bytes);
  const reads: Promise<HostArray[]>[] = [];
  let next = 0;
  let allCopied: () => void = () => undefined;
  const copied = new Promise<void>((resolve) => (allCopied = resolve));
  const enqueue = (): void => {
    const group = groups[next];
    if (group !== undefined) {
      const read = backend.readAll(group, timeline.delayMs(), staging);
      read.catch(() => undefined);
      reads.push(read);
      next++;
    }
    if (next === groups.length) allCopied();
  };
  for (let count = 0; count < staging.count; count++) enqueue();
  return { copied, pieces: arrivals() };

  async function* arrivals(): AsyncGenerator<SnapshotPiece> {
    for (const group of groups) {
      const arrays = await reads.shift()!;
      for (const [position, { entry, elementOffset }] of group.entries())
        yield { ...entry, elementOffset, data: arrays[position]! };
      enqueue();
    }
  }
}

function groupsOf(tensors: readonly TensorToCopy[], groupBytes: number): PendingPiece[][] {
  const groups: PendingPiece[][] = [];
  let filledBytes = Infinity;
  for (const piece of tensors.flatMap((tensor) => piecesOf(tensor, groupBytes / 4))) {
    const bytes = 4 * piece.elementCount;
    if (filledBytes + bytes > groupBytes) {
      groups.push([]);
      filledBytes = 0;
    }
    groups.at(-1)?.push(piece);
    filledBytes += bytes;
  }
  return groups;
}

function piecesOf({ entry, tensor }: TensorToCopy, elementCountMax: number): PendingPiece[] {
  const count = entry.shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: Math.ceil(count / elementCountMax) }, (_, index) => {
    const elementOffset = index * elementCountMax;
    return { entry, tensor, elementOffset, elementCount: Math.min(elementCountMax, count - elementOffset) };
  });
}

/**
 * The rank's weights and optimizer state. A tied head's copy of the embedding is left out: the first stage stores it.
 */
export function snapshotTensors(plan: StagePlan, memory: StageMemory): TensorToCopy[] {
  const kinds: readonly ('weight' | OptimizerState)[] = ['weight', ...optimizerStates(plan.optimizer)];
  return memory.chunks.flatMap((chunk) =>
    ownedParameters(plan.config, chunk.chunk.slice).flatMap(({ name, shape }) =>
      kinds.map((kind) => ({ entry: { name, kind, shape }, tensor: chunk.tensor(deviceName(name, kind)) })),
    ),
  );
}

function deviceName(name: string, kind: 'weight' | OptimizerState): string {
  return kind === 'weight' ? name : stateName(name, kind);
}
