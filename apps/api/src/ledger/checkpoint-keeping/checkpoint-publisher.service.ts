import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '@millrace/core';
import type { StoredPlan } from '../runs/attempt-record';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { againAfterDiskErrors } from '../../ground/blobs/store-retry';
import { CLOCK } from '../../ground/config/api-logger';
import type { Transaction } from '../../ground/database/prisma.service';
import { EventsService } from '../../ground/events/events.service';
import type { RunRecord } from '../runs/run-record';
import { CheckpointWritesRepository, type PartKey, type Publication } from '../blocks/checkpoint-writes.repository';
import { blocksMissing, pieceBeyondBlock } from '../blocks/checkpoint-writes.errors';
import { CheckpointThreads } from './checkpoint-threads';
import { RetentionService } from './retention.service';
import type { MergedManifest } from './threads/checkpoint-tasks';

/** Errors of the disk: reading that fails once may succeed a moment later. */
export const STORE_UNREADABLE: ReadonlySet<string> = new Set(['CHECKPOINT.STORAGE_FAILED', 'CHECKPOINT.DISK_FULL']);

/** Of a SHA-256 in hexadecimal digits. */
const HASH_LENGTH = 64;

/**
 * Makes a checkpoint of its parts: it verifies everything, and then one transaction makes the checkpoint visible. Or it
 * gives the checkpoint up, which frees what was kept for it.
 */
@Injectable()
export class CheckpointPublisherService {
  constructor(
    private readonly blobs: BlobsService,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly threads: CheckpointThreads,
    private readonly retention: RetentionService,
    private readonly events: EventsService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Checks what a rank reported. Returns it as text that can be stored. @throws AppError CHECKPOINT.PART_INVALID,
   * CHECKPOINT.REPORTS_BUSY
   */
  checkedPart(json: string): Promise<string> {
    return this.threads.check(json);
  }

  /**
   * Merges all parts of a checkpoint and looks for their blocks; undefined when it is not being written any more.
   * @throws AppError CHECKPOINT.PARTS_INCOMPLETE, CHECKPOINT.BLOCKS_MISSING, CHECKPOINT.PIECE_BEYOND_BLOCK, and
   *   CHECKPOINT.STORAGE_FAILED when the store could not be read time and again
   */
  async verify(id: string, plan: StoredPlan, step: number): Promise<MergedManifest | undefined> {
    const partsJson = await this.checkpoints.partsJson(id);
    if (partsJson === undefined) return undefined;
    const manifest = await this.threads.merge(partsJson, plan, step);
    const missing: string[] = [];
    for (const [index, endBytes] of manifest.ends.entries()) {
      const sha256 = manifest.hashes.slice(index * HASH_LENGTH, (index + 1) * HASH_LENGTH);
      const sizeBytes = await againAfterDiskErrors(this.clock, () => this.blobs.blocks.sizeOf(sha256));
      if (sizeBytes === undefined) missing.push(sha256);
      else if (endBytes > sizeBytes) throw pieceBeyondBlock(step, { sha256, endBytes, sizeBytes });
    }
    if (missing.length > 0) throw blocksMissing(step, missing);
    return manifest;
  }

  /** Returns false when it was published before. The caller holds the run's lock. */
  async publish(tx: Transaction, run: RunRecord, publication: Publication & { step: number }): Promise<boolean> {
    if (!(await this.checkpoints.publish(tx, publication))) return false;
    const { id, step, bytes } = publication;
    await this.events.append(tx, {
      type: 'run.checkpoint',
      runId: run.id,
      subject: id,
      actor: 'system',
      data: { step, state: 'durable', bytes },
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
