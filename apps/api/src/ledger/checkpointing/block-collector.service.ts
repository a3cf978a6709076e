import { Inject, Injectable } from '@nestjs/common';
import type { Clock, Logger } from '@millrace/core';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { CLOCK, LOGGER } from '../../ground/config/api-logger';
import { PrismaService } from '../../ground/database/prisma.service';
import { BlockHoldsRepository } from '../blocks/block-holds.repository';
import { CheckpointWritesRepository } from '../blocks/checkpoint-writes.repository';

const BATCH_COUNT = 1_000;
/** A block that was stored this recently is kept, whatever the tables say. */
const YOUNG_MS = 60_000;
/** A checkpoint whose attempt has been over for so long gets no more parts. */
const ABANDONED_MS = 600_000;

/** Deletes blocks that nothing uses any more. It may run while blocks are uploaded, and on several replicas at once. */
@Injectable()
export class BlockCollectorService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly blobs: BlobsService,
    private readonly holds: BlockHoldsRepository,
    private readonly checkpoints: CheckpointWritesRepository,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @returns how many blocks were deleted */
  async collect(): Promise<number> {
    await this.checkpoints.deleteAbandoned(ABANDONED_MS);
    await this.holds.deleteExpired();
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
    if (deletedCount > 0) this.logger.info({ deletedCount }, 'collected blocks that nothing uses');
    return deletedCount;
  }

  /** Deletes those of `hashes` that nothing keeps. @returns how many */
  async free(hashes: readonly string[]): Promise<number> {
    if (hashes.length === 0) return 0;
    let deletedCount = 0;
    for (const sha256 of await this.holds.unused(undefined, hashes)) {
      const deleted = await this.prisma.transaction(async (tx) => {
        await this.holds.lock(tx, sha256);
        if ((await this.holds.unused(tx, [sha256])).length === 0) return false;
        await this.blobs.blocks.delete(sha256);
        return true;
      });
      if (deleted) deletedCount++;
    }
    return deletedCount;
  }
}
