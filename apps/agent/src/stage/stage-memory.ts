import { assert } from '@millrace/core';
import type { Backend } from '@millrace/runtime';
import { ChunkMemory } from './chunk-memory';
import type { StagePlan } from './stage-plan';

/** The memories of a rank's chunks on one device. */
export class StageMemory {
  private constructor(
    readonly backend: Backend,
    /** Ascending by virtual stage. */
    readonly chunks: readonly ChunkMemory[],
    /** Measured: what the backend holds for the rank. Nothing is allocated after `open`, so it is the peak too. */
    readonly allocatedBytes: number,
  ) {}

  static async open(backend: Backend, plan: StagePlan): Promise<StageMemory> {
    const before = backend.allocatedBytes();
    const chunks: ChunkMemory[] = [];
    for (const chunk of plan.chunks) chunks.push(await ChunkMemory.open(backend, chunk, plan));
    return new StageMemory(backend, chunks, backend.allocatedBytes() - before);
  }

  /** What the plan comes to in f32; the twins hold doubles. */
  predictedBytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.predictedBytes(), 0);
  }

  /** Of a virtual stage that this rank holds. */
  chunk(stage: number): ChunkMemory {
    const found = this.chunks.find(({ chunk }) => chunk.stage === stage);
    assert(found !== undefined, `stage ${stage} is not on this rank`);
    return found;
  }

  /** The chunk that begins with the embedding, if it is here. */
  get embedding(): ChunkMemory | undefined {
    return this.chunks.find(({ chunk }) => chunk.slice.embedding);
  }

  /** The chunk that ends with the head, if it is here. */
  get head(): ChunkMemory | undefined {
    return this.chunks.find(({ chunk }) => chunk.slice.head);
  }
}
