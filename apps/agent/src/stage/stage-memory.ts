import { assert } from '@millrace/core';
import type { Backend } from '@millrace/runtime';
import { ChunkMemory } from './chunk-memory';
import type { StagePlan } from './stage-plan';

/** The memories of a rank's chunks on one device. */
export class StageMemory {
  private constructor(
    readonly backend: Backend,
    /** In ascending order of their virtual stages. */
    readonly chunks: readonly ChunkMemory[],
    /**
     * Bytes that the backend holds for the rank, as measured. Nothing is allocated after `open`, so this is the peak
     * too.
     */
    readonly allocatedBytes: number,
  ) {}

  static async open(backend: Backend, plan: StagePlan): Promise<StageMemory> {
    const before = backend.allocatedBytes();
    const chunks: ChunkMemory[] = [];
    for (const chunk of plan.chunks) chunks.push(await ChunkMemory.open(backend, chunk, plan));
    return new StageMemory(backend, chunks, backend.allocatedBytes() - before);
  }

  /** Bytes that the plan needs in f32. The CPU twins hold doubles and need more. */
  predictedBytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.predictedBytes(), 0);
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
