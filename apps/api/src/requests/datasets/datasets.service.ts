import { rename, rm } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { DatasetBody, Page } from '@millrace/contracts';
import { type Logger, newId } from '@millrace/core';
import { buildTokenFile, type ByteSource, type TokenFile } from '@millrace/data';
import { BlobsService } from '../../ground/blobs/blobs.service';
import { diskBytesFor, withinRoom } from '../../ground/blobs/upload-room';
import { createdCursor, createdKeySchema, decodeCursor, nextCursor } from '../../ground/http/cursor';
import type { PageRequest } from '../../ground/http/parse-query';
import { ApiConfig } from '../../ground/config/api-config';
import { LOGGER } from '../../ground/config/api-logger';
import { isForeignKeyViolation } from '../../ground/database/prisma-failures';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';
import { EventsService } from '../../ground/events/events.service';
import { datasetInUse, datasetNameTaken, datasetNotFound } from '../../ledger/datasets/datasets.errors';
import { type DatasetRow, DatasetsRepository, toDatasetBody } from '../../ledger/datasets/datasets.repository';
import { willAnswer } from '../idempotency/guarded-request';

export interface NewDataset {
  readonly name: string;
  readonly tokenizer: string | undefined;
  readonly contentType: string;
  /** The length that the request announced, in bytes; 0 if it announced none. */
  readonly contentLength: number;
  readonly source: ByteSource;
  readonly actor: string;
}

/**
 * Turns uploads into datasets. A dataset exists when its row does; if anything fails before that, neither row nor file
 * remains.
 */
@Injectable()
export class DatasetsService {
  constructor(
    private readonly datasets: DatasetsRepository,
    private readonly prisma: PrismaService,
    private readonly blobs: BlobsService,
    private readonly events: EventsService,
    private readonly config: ApiConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws AppError DATASET.NAME_TAKEN, BLOB.DISK_FULL, and what buildTokenFile throws */
  async create({ name, tokenizer, contentType, contentLength, source, actor }: NewDataset): Promise<DatasetBody> {
    // Checked before a byte is read; in the end the unique index decides.
    if (await this.datasets.nameIsTaken(name)) throw datasetNameTaken(name);
    await this.blobs.assertRoomFor(diskBytesFor(contentLength, tokenizer));
    const id = newId('dataset');
    const path = this.blobs.uploadPath(id);
    try {
      const file = await buildTokenFile({
        source: withinRoom(source, tokenizer, this.blobs),
        contentType,
        path,
        bytesMax: this.config.uploadBytesMax,
        ...(tokenizer === undefined ? {} : { tokenizer }),
      });
      const dataset = await this.prisma.transaction(async (tx) => {
        const row = await this.publish(tx, { id, name, actor, file, path });
        return willAnswer(toDatasetBody(row));
      });
      this.logger.info({ dataset: id, tokens: file.tokens }, 'dataset created');
      return dataset;
    } finally {
      await rm(path, { force: true });
    }
  }

  async get(id: string): Promise<DatasetBody> {
    const dataset = await this.datasets.find(id);
    if (dataset === null) throw datasetNotFound(id);
    return toDatasetBody(dataset);
  }

  async list({ limit, cursor }: PageRequest): Promise<Page<DatasetBody>> {
    const key = cursor === undefined ? undefined : decodeCursor(cursor, createdKeySchema);
    const rows = await this.datasets.list(limit + 1, key && { createdAt: new Date(key[0]), id: key[1] });
    const items = rows.slice(0, limit).map(toDatasetBody);
    return { items, nextCursor: nextCursor(rows, limit, createdCursor) };
  }

  /** @throws AppError DATASET.NOT_FOUND, DATASET.IN_USE */
  async remove(id: string, actor: string): Promise<void> {
    const dataset = await this.datasets.find(id);
    if (dataset === null) throw datasetNotFound(id);
    await this.prisma.transaction(async (tx) => {
      await this.datasets.lockFile(tx, dataset.sha256);
      const { count, runId } = await this.datasets.runsOf(tx, id);
      if (runId !== undefined) throw datasetInUse(id, runId, count);
      if (!(await this.deleteRow(tx, id))) throw datasetNotFound(id);
      await this.events.append(tx, {
        type: 'dataset.deleted',
        subject: id,
        actor,
        action: 'dataset.delete',
        data: { name: dataset.name },
      });
      // The file is kept if another dataset has the very same tokens. If the commit fails after the file was deleted,
      // runs of this dataset fail to read it, and say so.
      if ((await this.datasets.usersOfFile(tx, dataset.sha256)) === 0)
        await rm(this.blobs.datasetPath(dataset.sha256), { force: true });
    });
  }

  /** If a run was submitted in this moment, its foreign key keeps the row. */
  private async deleteRow(tx: Transaction, id: string): Promise<boolean> {
    try {
      return await this.datasets.delete(tx, id);
    } catch (error) {
      if (isForeignKeyViolation(error)) throw datasetInUse(id, 'a new one', 1);
      throw error;
    }
  }

  private async publish(
    tx: Transaction,
    { id, name, actor, file, path }: { id: string; name: string; actor: string; file: TokenFile; path: string },
  ): Promise<DatasetRow> {
    const { tokens, vocab, dtype, sha256, bytes, tokenizer } = file;
    await this.datasets.lockFile(tx, sha256);
    const dataset = await this.datasets.create(tx, {
      id,
      name,
      tokens,
      vocab,
      dtype,
      sha256,
      bytes,
      tokenizer: { ...tokenizer },
    });
    await this.events.append(tx, {
      type: 'dataset.created',
      subject: id,
      actor,
      action: 'dataset.create',
      data: { name, tokens, vocab },
    });
    // The file comes last, so that a row that could not be written leaves no file; replacing an equal file changes
    // nothing.
    await rename(path, this.blobs.datasetPath(sha256));
    return dataset;
  }
}
