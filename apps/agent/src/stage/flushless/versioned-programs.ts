import type { BoundProgram } from '@millrace/runtime';
import { type ComputeKind, ownProgram } from '../action-runner';
import type { ChunkMemory } from '../chunk-memory';
import type { StagePlan } from '../stage-plan';
import type { WeightStash } from './weight-stash';

/**
 * F, I and W bound to the weight version of a micro-batch. Those of the newest version are the chunk's own; the others
 * are bound when they are met first, which is within the first few updates: rooms and slots both come round.
 */
export class VersionedPrograms {
  private readonly bound = new Map<string, Promise<BoundProgram>>();

  constructor(
    private readonly plan: StagePlan,
    private readonly chunk: ChunkMemory,
    private readonly stash: WeightStash,
  ) {}

  of(kind: ComputeKind, microBatch: number): Promise<BoundProgram> | BoundProgram {
    const { chunk, stash } = this;
    const version = stash.versionOf(microBatch);
    const room = stash.room(version);
    if (room === undefined) return ownProgram(chunk, kind, microBatch);
    const key = `${kind} ${room} ${this.place(kind, microBatch)}`;
    let program = this.bound.get(key);
    if (program === undefined) {
      program = this.bind(kind, microBatch, version);
      this.bound.set(key, program);
    }
    return program;
  }

  private bind(kind: ComputeKind, microBatch: number, version: number): Promise<BoundProgram> {
    const { chunk, plan } = this;
    const { programs, backend } = chunk;
    const tensors = new Map([...chunk.slot(microBatch).tensors, ...this.stash.tensors(version)]);
    if (kind === 'F' && programs.loss !== undefined)
      tensors.set(programs.loss.name, chunk.losses[microBatch % plan.microBatchCount]!);
    const program = { F: programs.forward, I: programs.backwardInput, W: programs.backwardWeight }[kind];
    return backend.bind(program, tensors);
  }

  /** Micro-batches of the same slot, and at the head of the same loss, share a program. */
  private place(kind: ComputeKind, microBatch: number): string {
    const { chunk, plan } = this;
    const loss = kind === 'F' && chunk.programs.loss !== undefined ? microBatch % plan.microBatchCount : 0;
    return `${chunk.slotIndex(microBatch)} ${loss}`;
  }
}
