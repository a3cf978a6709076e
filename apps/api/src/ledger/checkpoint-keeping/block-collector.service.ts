import { Inject, Injectable } from '@nestjs/common';
import { type Clock, describeError, type Logger } from '@millrace/core';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';
import { PrismaService } from '../../ground/database/prisma.service';
import { BlockHoldsRepository } from '../blocks/block-holds.repository';
import { CheckpointWritesRepository } from '../blocks/checkpoint-writes.repository';
import { FreedBlocksRepository } from '../blocks/freed-blocks.repository';

const BATCH_COUNT = 1_000;
/** The rest of what was let go is left to the next command. */
const BATCHES_MAX = 100;
/** A block that was stored this recently is kept, whatever the tables say. */
const YOUNG_MS = 60_000;
/** An attempt that has been over for so long stores no more parts of checkpoints. */
const ABANDONED_MS = 600_000;

/** Deletes blocks that nothing uses any more. It may run while blocks are uploaded, and on several replicas at once. */
@Injectable()
export class BlockCollectorService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly blobs: BlobsService,
    private readonly holds: BlockHoldsRepository,
    private readonly checkpoints: CheckpointWritesRepository,
    private readonly freed: FreedBlocksRepository,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Lets go of what is not needed any more, and deletes what was let go. @returns how many blocks were deleted */
  async collect(): Promise<number> {
    await this.checkpoints.deleteAbandoned(ABANDONED_MS);
    await this.holds.deleteExpired(ABANDONED_MS);
    return this.collectFreed();
  }

  /** Looks only at what was let go since the last time, however many blocks exist. @returns how many were deleted */
  async collectFreed(): Promise<number> {
    let deletedCount = 0;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const rows = await this.freed.oldest(BATCH_COUNT);
      deletedCount += await this.free([...new Set(rows.map(({ sha256 }) => sha256))]);
      // A block that cannot be deleted is left to the hourly walk: it must not hold up the others.
      await this.freed.forget(rows);
      if (rows.length < BATCH_COUNT) break;
    }
    this.report(deletedCount);
    return deletedCount;
  }

  /**
   * Looks at every block: for those that an earlier build let go, whose deletion failed, or that came by no upload.
   * @returns how many were deleted
   */
  async walk(): Promise<number> {
    // The times of files come from this machine's clock.
    const youngMs = this.clock.now() - YOUNG_MS;
    let deletedCount = 0;
    let batch: string[] = [];
    for await (const { sha256, putAtMs } of this.blobs.blocks.list()) {
      if (putAtMs > youngMs) continue;
      batch.push(sha256);
      if (batch.length < BATCH_COUNT) continue;
      deletedCount += await this.free(batch);
      batch = [];
    }
    deletedCount += await this.free(batch);
    this.report(deletedCount);
    return deletedCount;
  }

  /** Deletes those of `hashes` that nothing keeps; a block that the disk fails to delete stays. @returns how many */
  private async free(hashes: readonly string[]): Promise<number> {
    if (hashes.length === 0) return 0;
    let deletedCount = 0;
    for (const sha256 of await this.holds.unused(undefined, hashes)) {
      const deleted = await this.prisma.transaction(async (tx) => {
        await this.holds.lock(tx, sha256);
        if ((await this.holds.unused(tx, [sha256])).length === 0) return false;
        return this.delete(sha256);
      });
      if (deleted) deletedCount++;
    }
    return deletedCount;
  }

  private async delete(sha256: string): Promise<boolean> {
    try {
      await this.blobs.blocks.delete(sha256);
      return true;
    } catch (error) {
      this.logger.warn({ sha256, reason: describeError(error) }, 'a block that nothing uses could not be deleted');
      return false;
    }
  }

  private report(deletedCount: number): void {
    if (deletedCount > 0) this.logger.info({ deletedCount }, 'collected blocks that nothing uses');
  }
}
