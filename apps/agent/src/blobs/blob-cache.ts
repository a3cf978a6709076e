import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@millrace/core';
import { FileBlockStore, getTensor, type ManifestTensor } from '@millrace/checkpoint';
import type { BlobPort } from './blob-port';
import { blobCorrupt, homeUnwritable } from './blobs.errors';
import { retryWhileAway, type RetryOptions } from './retry';

export interface BlobCacheOptions extends Omit<RetryOptions, 'what' | 'stopped'> {
  /** Folder for datasets and blocks; whatever is in it can be fetched again. */
  readonly folder: string;
  readonly blobs: BlobPort;
}

/**
 * Blobs of the API by hash, kept on disk: token files as whole files, blocks of the checkpoint that is being loaded.
 */
export class BlobCache {
  private readonly blocks: FileBlockStore;

  constructor(private readonly options: BlobCacheOptions) {
    this.blocks = new FileBlockStore(join(options.folder, 'blocks'));
  }

  /** Path of the token file, fetched if it is not there. Errors: BLOB.CORRUPT, AGENT.HOME_UNWRITABLE, GRPC.*. */
  async tokenFile(sha256: string, bytes: number, stopped: () => boolean): Promise<string> {
    const path = join(this.options.folder, 'datasets', sha256);
    const size = await stat(path).then(
      (found) => found.size,
      () => -1,
    );
    if (size === bytes) return path;
    await this.retry(`dataset ${sha256}`, stopped, () => this.download(sha256, path));
    return path;
  }

  /** A tensor of a checkpoint. */
  async tensor(tensor: ManifestTensor, stopped: () => boolean): Promise<Float32Array> {
    for (const { sha256 } of tensor.blocks) {
      if (await this.blocks.has(sha256)) continue;
      const bytes = await this.retry(`block ${sha256}`, stopped, () => this.fetch(sha256));
      await this.blocks.put(sha256, bytes);
    }
    return getTensor(this.blocks, tensor);
  }

  /** Blocks that no live task needs. */
  async clearBlocks(): Promise<void> {
    await rm(join(this.options.folder, 'blocks'), { recursive: true, force: true });
  }

  /** Half-written files of a process that died. */
  async removeParts(): Promise<void> {
    const folder = join(this.options.folder, 'datasets');
    const files = await readdir(folder).catch(() => []);
    await Promise.all(
      files.filter((file) => file.includes('.part')).map((file) => rm(join(folder, file), { force: true })),
    );
  }

  private async fetch(sha256: string): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.options.blobs.get(sha256, 0)) parts.push(part);
    return Buffer.concat(parts);
  }

  private async download(sha256: string, path: string): Promise<void> {
    const part = `${path}.part`;
    await mkdir(dirname(path), { recursive: true });
    try {
      await pipeline(Readable.from(this.options.blobs.get(sha256, 0), { objectMode: false }), createWriteStream(part));
    } catch (error) {
      throw error instanceof AppError ? error : homeUnwritable(part, error);
    }
    const hash = createHash('sha256');
    await pipeline(createReadStream(part), hash);
    const found = hash.digest('hex');
    if (found !== sha256) throw blobCorrupt(sha256, found);
    await rename(part, path);
  }

  private retry<T>(what: string, stopped: () => boolean, work: () => Promise<T>): Promise<T> {
    const { clock, random } = this.options;
    return retryWhileAway(work, { what, clock, random, stopped });
  }
}
