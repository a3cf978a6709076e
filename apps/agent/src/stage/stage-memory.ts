import { assert } from '@millrace/core';
import { type RankStaging, rankStaging, type SnapshotWindow, stagingBytes } from '@millrace/pipeline';
import type { Backend, Staging } from '@millrace/runtime';
import { ChunkMemory } from './chunk-memory';
import { type StagePlan, stagedTensors } from './stage-plan';

/** The buffers through which a rank's tensors leave the device, by what they are for. */
export type StagingOfRank = Readonly<Record<keyof RankStaging, Staging>>;

/** The memories of a rank's chunks on one device. */
export class StageMemory {
  private constructor(
    readonly backend: Backend,
    /** In ascending order of their virtual stages. */
    readonly chunks: readonly ChunkMemory[],
    readonly staging: StagingOfRank,
    /**
     * Bytes that the backend holds for the rank, as measured. All that is allocated after `open` is a small buffer for
     * the norms and losses of a step, so this is the peak too.
     */
    readonly allocatedBytes: number,
    /** Bytes that the plan needs in f32. The CPU twins hold doubles and need more. */
    readonly predictedBytes: number,
  ) {}

  static async open(backend: Backend, plan: StagePlan, window?: SnapshotWindow): Promise<StageMemory> {
    const before = backend.allocatedBytes();
    const chunks: ChunkMemory[] = [];
    for (const chunk of plan.chunks) chunks.push(await ChunkMemory.open(backend, chunk, plan));
    const staged = stagedTensors(plan);
    const { snapshot, sends, tied } = rankStaging(staged, window);
    const staging = {
      snapshot: backend.openStaging(snapshot.bytes, snapshot.count),
      sends: backend.openStaging(sends.bytes, sends.count),
      tied: backend.openStaging(tied.bytes, tied.count),
    };
    const allocated = backend.allocatedBytes() - before;
    const predicted = chunks.map((chunk) => chunk.predicted());
    const tensors = predicted.reduce((sum, { total }) => sum + total, 0);
    const sums = backend.adapterClass === 'gpu' ? Math.max(...predicted.map(({ partialSums }) => partialSums)) : 0;
    return new StageMemory(backend, chunks, staging, allocated, tensors + sums + stagingBytes(staged, window));
  }

  /** The chunk of a virtual stage, which this rank must hold. */
  chunk(stage: number): ChunkMemory {
    const found = this.chunks.find(({ chunk }) => chunk.stage === stage);
    assert(found !== undefined, `stage ${stage} is not on this rank`);
    return found;
  }

  /** The chunk that begins with the embedding, if this rank holds it. */
  get embedding(): ChunkMemory | undefined {
    return this.chunks.find(({ chunk }) => chunk.slice.embedding);
  }

  /** The chunk that ends with the head, if this rank holds it. */
  get head(): ChunkMemory | undefined {
    return this.chunks.find(({ chunk }) => chunk.slice.head);
  }
}
