import { Inject, Injectable } from '@nestjs/common';
import type { ManifestDocument } from '@millrace/contracts';
import type { Clock } from '@millrace/core';
import type { StoredPlan } from '../runs/attempt-record';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { againAfterDiskErrors } from '../../ground/blobs/store-retry';
import { CLOCK } from '../../ground/config/api-logger';
import type { Transaction } from '../../ground/database/prisma.service';
import { EventsService } from '../../ground/events/events.service';
import type { RunRecord } from '../runs/run-record';
import type { CheckpointPart } from '../blocks/checkpoint-part';
import { CheckpointWritesRepository, type PartKey, type Publication } from '../blocks/checkpoint-writes.repository';
import { blocksMissing, pieceBeyondBlock } from '../blocks/checkpoint-writes.errors';
import { mergeParts } from './merge-parts';
import { RetentionService } from './retention.service';

/** Errors of the disk: reading that fails once may succeed a moment later. */
export const STORE_UNREADABLE: ReadonlySet<string> = new Set(['CHECKPOINT.STORAGE_FAILED', 'CHECKPOINT.DISK_FULL']);

/**
 * Makes a checkpoint of its parts: it verifies everything, and then one transaction makes the checkpoint visible. Or it
 * gives the checkpoint up, which frees what was kept for it.
 */
@Injectable()
export class CheckpointPublisherService {
  constructor(
    private readonly blobs: BlobsService,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly retention: RetentionService,
    private readonly events: EventsService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * @throws AppError CHECKPOINT.PARTS_INCOMPLETE, CHECKPOINT.BLOCKS_MISSING, CHECKPOINT.PIECE_BEYOND_BLOCK, and
   *   CHECKPOINT.STORAGE_FAILED when the store could not be read time and again
   */
  async verify(parts: readonly CheckpointPart[], plan: StoredPlan, step: number): Promise<ManifestDocument> {
    const manifest = mergeParts(parts, plan, step);
    const ends = endsOf(manifest);
    const missing: string[] = [];
    for (const [sha256, endBytes] of ends) {
      const sizeBytes = await againAfterDiskErrors(this.clock, () => this.blobs.blocks.sizeOf(sha256));
      if (sizeBytes === undefined) missing.push(sha256);
      else if (endBytes > sizeBytes) throw pieceBeyondBlock(step, { sha256, endBytes, sizeBytes });
    }
    if (missing.length > 0) throw blocksMissing(step, missing);
    return manifest;
  }

  /** Returns false when it was published before. The caller holds the run's lock. */
  async publish(tx: Transaction, run: RunRecord, publication: Publication): Promise<boolean> {
    if (!(await this.checkpoints.publish(tx, publication))) return false;
    const { id, manifest, bytes } = publication;
    await this.events.append(tx, {
      type: 'run.checkpoint',
      runId: run.id,
      subject: id,
      actor: 'system',
      data: { step: manifest.step, state: 'durable', bytes },
    });
    await this.retention.apply(tx, run);
    return true;
  }

  /** Training goes on, and the older checkpoint stays. */
  async giveUp(tx: Transaction, key: PartKey, { actor, reason }: { actor: string; reason: string }): Promise<void> {
    const isNews = await this.checkpoints.giveUp(tx, key);
    const { runId, step } = key;
    // Each rank that hears of it reports a failure of its own: only the first report becomes an event.
    if (isNews)
      await this.events.append(tx, {
        type: 'run.checkpoint',
        runId,
        subject: runId,
        actor,
        data: { step, state: 'failed', reason },
      });
  }
}

/** For each block, the byte at which the last piece that a tensor takes of it ends. */
function endsOf({ tensors }: ManifestDocument): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { sha256, offset = 0, bytes } of tensors.flatMap(({ blocks }) => blocks))
    ends.set(sha256, Math.max(ends.get(sha256) ?? 0, offset + bytes));
  return ends;
}
