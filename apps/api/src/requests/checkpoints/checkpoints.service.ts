import { Inject, Injectable } from '@nestjs/common';
import { type CheckpointBody, INT4_MAX, type ManifestDocument, type Page, storableText } from '@millrace/contracts';
import type { Logger } from '@millrace/core';
import { z } from 'zod';
import { decodeCursor, encodeCursor, nextCursor } from '../../ground/http/cursor';
import type { PageRequest } from '../../ground/http/parse-query';
import { BlockHoldsRepository } from '../../ledger/blocks/block-holds.repository';
import { checkpointNotFound } from '../../ledger/blocks/checkpoint-writes.errors';
import { LOGGER } from '../../ground/config/api-logger';
import { PrismaService } from '../../ground/database/prisma.service';
import { EventsService } from '../../ground/events/events.service';
import { checkpointInUse } from './checkpoints.errors';
import { type CheckpointRow, CheckpointsRepository, toCheckpointBody } from './checkpoints.repository';

const cursorSchema = z.tuple([z.int().min(0).max(INT4_MAX), storableText.min(1).max(200)]);

@Injectable()
export class CheckpointsService {
  constructor(
    private readonly checkpoints: CheckpointsRepository,
    private readonly prisma: PrismaService,
    private readonly events: EventsService,
    private readonly holds: BlockHoldsRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws AppError CHECKPOINT.NOT_FOUND */
  async row(id: string): Promise<CheckpointRow> {
    const row = await this.checkpoints.find(id);
    if (row === null) throw checkpointNotFound(id);
    return row;
  }

  async get(id: string): Promise<CheckpointBody> {
    return toCheckpointBody(await this.row(id));
  }

  async listOfRun(runId: string, { limit, cursor }: PageRequest): Promise<Page<CheckpointBody>> {
    const key = cursor === undefined ? undefined : decodeCursor(cursor, cursorSchema);
    const rows = await this.checkpoints.listOfRun(runId, limit + 1, key && { step: key[0], id: key[1] });
    const items = rows.slice(0, limit).map(toCheckpointBody);
    return { items, nextCursor: nextCursor(rows, limit, ({ step, id }) => encodeCursor([step, id])) };
  }

  /** Makes an import visible, in one transaction with the references that keep its blocks. */
  async publishImported(id: string, manifest: ManifestDocument, actor: string): Promise<void> {
    const bytesOf = new Map(
      manifest.tensors.flatMap(({ blocks }) => blocks.map(({ sha256, bytes }) => [sha256, bytes])),
    );
    const bytes = [...bytesOf.values()].reduce((sum, size) => sum + size, 0);
    await this.prisma.transaction(async (tx) => {
      const hashes = [...bytesOf.keys()];
      await this.checkpoints.createImported(tx, { id, manifest, bytes, hashes });
      await this.holds.release(tx, { owner: id, fence: 0 }, hashes);
      await this.events.append(tx, {
        type: 'checkpoint.imported',
        subject: id,
        actor,
        action: 'checkpoint.import',
        data: { bytes },
      });
    });
    this.logger.info({ checkpoint: id, bytes }, 'model imported');
  }

  /**
   * Deletes the checkpoint; the collector deletes its blocks later. @throws AppError CHECKPOINT.NOT_FOUND,
   * CHECKPOINT.IN_USE
   */
  async remove(id: string, actor: string): Promise<void> {
    const row = await this.row(id);
    await this.prisma.transaction(async (tx) => {
      if (!(await this.checkpoints.lock(tx, id))) throw checkpointNotFound(id);
      const user = await this.checkpoints.liveUser(tx, row);
      if (user) throw checkpointInUse(id, user.runId, user.how);
      await this.checkpoints.delete(tx, id);
      await this.events.append(tx, {
        type: 'run.checkpoint',
        subject: id,
        actor,
        action: 'checkpoint.delete',
        data: { step: row.step, state: 'deleted', reason: 'request' },
        ...(row.runId === null ? {} : { runId: row.runId }),
      });
    });
    this.logger.info({ checkpoint: id, actor }, 'checkpoint deleted');
  }
}
