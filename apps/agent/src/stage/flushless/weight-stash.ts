import { assert } from '@millrace/core';
import { weightVersion } from '@millrace/pipeline';
import type { DeviceTensor } from '@millrace/runtime';
import type { ChunkMemory } from '../chunk-memory';
import type { StagePlan } from '../stage-plan';

/**
 * The weight versions of a stage: the optimizer changes the newest in place; older ones are copies on the device,
 * version v in room v mod (number of rooms). There are as many rooms as the schedule's formula says that older versions
 * are needed, so that a room is free again when its next version comes. Versions count updates from the start of the
 * run.
 */
export class WeightStash {
  private newestVersion: number;

  constructor(
    private readonly plan: StagePlan,
    private readonly chunk: ChunkMemory,
  ) {
    this.newestVersion = plan.firstStep - 1;
  }

  get newest(): number {
    return this.newestVersion;
  }

  /** The oldest version that is still held. */
  get oldest(): number {
    return Math.max(this.plan.oldestVersion, this.newestVersion - this.chunk.stash.length);
  }

  /** The version that F, I and W of a micro-batch use; micro-batches count from the start of the run. */
  versionOf(microBatch: number): number {
    const { updates, ranks, rank, oldestVersion } = this.plan;
    const version = Math.max(oldestVersion, weightVersion({ updates, ranks, rank, microBatch }));
    const { oldest, newest } = this;
    assert(
      version >= oldest && version <= newest,
      `rank ${rank} holds versions ${oldest} to ${newest} and micro-batch ${microBatch} uses ${version}`,
    );
    return version;
  }

  /** Undefined for the newest version: it has no room, and the chunk's own programs are bound to it. */
  room(version: number): number | undefined {
    return version === this.newestVersion ? undefined : version % this.chunk.stash.length;
  }

  /** The tensors, by parameter, of a version that is not the newest. */
  tensors(version: number): ReadonlyMap<string, DeviceTensor> {
    const room = this.room(version);
    const tensors = room === undefined ? undefined : this.chunk.stash[room];
    assert(tensors !== undefined, `there is no room for version ${version}`);
    return tensors;
  }

  /** Copies the newest version on the device. Called before the optimizer makes the next one. */
  push(): void {
    const { backend, stash } = this.chunk;
    this.newestVersion += 1;
    if (stash.length === 0) return;
    for (const [name, copy] of this.tensors(this.newestVersion - 1)) backend.copy(this.chunk.tensor(name), copy);
  }
}
