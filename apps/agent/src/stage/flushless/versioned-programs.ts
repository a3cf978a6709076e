import type { BoundProgram } from '@millrace/runtime';
import { type ComputeKind, ownProgram } from '../action-runner';
import type { ChunkMemory } from '../chunk-memory';
import type { StagePlan } from '../stage-plan';
import type { WeightStash } from './weight-stash';

/**
 * F, I and W, bound to the weight version that a micro-batch uses. The chunk itself has those of the newest version.
 * The others are bound when they are first needed, which is within the first few updates, because rooms and slots are
 * used in turns.
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

  /** Micro-batches that share a slot, and at the head also a loss tensor, share a program. */
  private place(kind: ComputeKind, microBatch: number): string {
    const { chunk, plan } = this;
    const loss = kind === 'F' && chunk.programs.loss !== undefined ? microBatch % plan.microBatchCount : 0;
    return `${chunk.slotIndex(microBatch)} ${loss}`;
  }
}
