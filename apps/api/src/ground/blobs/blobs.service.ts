import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { storageFailed } from '@millrace/checkpoint';
import type { Clock } from '@millrace/core';
import { ApiConfig } from '../config/api-config';
import { CLOCK } from '../config/api-logger';
import { blobNotFound, diskNearlyFull } from './blobs.errors';
import { againAfterDiskErrors } from './store-retry';
import { ThreadedBlockStore } from './threaded-block-store';

/** So many bytes of the disk stay free for the database. */
const RESERVE_BYTES = 256 * 1024 ** 2;
/** Every upload takes less time than this. */
const UPLOAD_MS_MAX = 24 * 3_600_000;
const SHA256 = /^[0-9a-f]{64}$/;

export interface OpenBlob {
  readonly bytes: number;
  /** Reads `length` bytes from `offset` on (without it, up to the end), in pieces of at most 1 MiB. */
  read(offset: number, length?: number): AsyncIterable<Buffer>;
}

/** Where bytes are stored: blocks of checkpoints, token files of datasets, and uploads that become one or the other. */
@Injectable()
export class BlobsService implements OnModuleInit, OnModuleDestroy {
  readonly blocks: ThreadedBlockStore;
  private readonly root: string;

  constructor(
    config: ApiConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.root = config.blobs;
    this.blocks = new ThreadedBlockStore(this.blocksFolder, { clock, fullDisk: config.fullDisk });
  }

  async onModuleInit(): Promise<void> {
    for (const folder of [this.blocksFolder, this.datasetsFolder, this.uploadsFolder]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
    await this.deleteOldUploads();
    await this.blocks.deleteTemporary(UPLOAD_MS_MAX);
  }

  async onModuleDestroy(): Promise<void> {
    await this.blocks.close();
  }

  /** The path of a dataset's token file. */
  datasetPath(sha256: string): string {
    return join(this.datasetsFolder, sha256);
  }

  /** The path is on the same file system as the rest, so that a finished upload can be renamed into place. */
  uploadPath(name: string): string {
    return join(this.uploadsFolder, name);
  }

  get uploadsFolder(): string {
    return join(this.root, 'uploads');
  }

  /** Opens a block or a token file. @throws AppError BLOB.NOT_FOUND, CHECKPOINT.STORAGE_FAILED */
  async openBlob(sha256: string): Promise<OpenBlob> {
    if (!SHA256.test(sha256)) throw blobNotFound(sha256);
    const path = this.datasetPath(sha256);
    const bytes = await againAfterDiskErrors(this.clock, () => sizeOf(path));
    return bytes === undefined
      ? this.openBlock(sha256)
      : { bytes, read: (offset, length) => readFile(path, offset, length) };
  }

  freeBytes(): Promise<number> {
    return againAfterDiskErrors(this.clock, () => this.blocks.freeBytes());
  }

  /** @throws AppError BLOB.DISK_FULL if `bytes` more would not leave the reserve free */
  async assertRoomFor(bytes: number): Promise<void> {
    const freeBytes = await this.freeBytes();
    if (freeBytes - bytes < RESERVE_BYTES) throw diskNearlyFull(bytes, freeBytes);
  }

  /** Deletes uploads that a killed API left unfinished. Recent ones stay, since another replica may be writing them. */
  private async deleteOldUploads(): Promise<void> {
    for (const name of await readdir(this.uploadsFolder)) {
      const path = this.uploadPath(name);
      const modifiedMs = (await stat(path).catch(() => undefined))?.mtimeMs;
      if (modifiedMs !== undefined && modifiedMs < this.clock.now() - UPLOAD_MS_MAX) await rm(path, { force: true });
    }
  }

  private async openBlock(sha256: string): Promise<OpenBlob> {
    if (!(await this.blocks.has(sha256))) throw blobNotFound(sha256);
    const block = await this.blocks.get(sha256);
    const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    return { bytes: bytes.length, read: (offset, length) => pieces(bytes, offset, length) };
  }

  private get blocksFolder(): string {
    return join(this.root, 'blocks');
  }

  private get datasetsFolder(): string {
    return join(this.root, 'datasets');
  }
}

const PIECE_BYTES = 1024 ** 2;

async function* readFile(path: string, offset: number, length?: number): AsyncIterable<Buffer> {
  if (length === 0) return;
  const end = length === undefined ? undefined : offset + length - 1;
  try {
    yield* createReadStream(path, { start: offset, highWaterMark: PIECE_BYTES, ...(end === undefined ? {} : { end }) });
  } catch (error) {
    throw storageFailed(path, error);
  }
}

/** Undefined where there is no such file: a disk that fails says nothing about that. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw storageFailed(path, error);
  }
}

async function* pieces(bytes: Buffer, offset: number, length = bytes.length - offset): AsyncIterable<Buffer> {
  for (let start = offset; start < offset + length; start += PIECE_BYTES) {
    yield bytes.subarray(start, Math.min(start + PIECE_BYTES, offset + length));
  }
}
