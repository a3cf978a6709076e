import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@millrace/core';
import { FileBlockStore, getTensor, type ManifestTensor, RecentBlocks } from '@millrace/checkpoint';
import type { BlobPort } from './blob-port';
import { blobCorrupt, homeUnwritable } from './blobs.errors';
import { retryWhileAway, type RetryOptions } from './retry';

export interface BlobCacheOptions extends Omit<RetryOptions, 'what' | 'stopped'> {
  /** Folder for datasets and blocks; everything in it can be fetched again. */
  readonly folder: string;
  readonly blobs: BlobPort;
  /** Makes a name that is not in use, for a file that is being written. */
  readonly newName: () => string;
}

const SHA256 = /^[0-9a-f]{64}$/;
/** Runs may take turns with datasets, so that a few token files are kept; older ones are fetched again. */
const TOKEN_FILES_KEPT = 4;

/**
 * Blobs of the API, kept on disk under their hash: whole token files, and the blocks of the checkpoint that is loaded.
 */
export class BlobCache {
  private readonly blocks: FileBlockStore;
  private readonly recent: RecentBlocks;
  private clearing: Promise<void> = Promise.resolve();

  constructor(private readonly options: BlobCacheOptions) {
    this.blocks = new FileBlockStore(join(options.folder, 'blocks'));
    this.recent = new RecentBlocks((sha256) => this.blocks.get(sha256));
  }

  /**
   * Returns the path of the token file, which is fetched if it is not there. Errors: BLOB.CORRUPT,
   * AGENT.HOME_UNWRITABLE, GRPC.*.
   */
  async tokenFile(sha256: string, bytes: number, stopped: () => boolean): Promise<string> {
    const path = join(this.options.folder, 'datasets', sha256);
    const size = await stat(path).then(
      (found) => found.size,
      () => -1,
    );
    if (size === bytes) {
      const now = new Date(this.options.clock.now());
      await utimes(path, now, now);
    } else {
      await this.retry(`dataset ${sha256}`, stopped, () => this.download(sha256, path));
    }
    await this.removeOldTokenFiles(sha256);
    return path;
  }

  /** Returns a tensor of a checkpoint. */
  async tensor(tensor: ManifestTensor, stopped: () => boolean): Promise<Float32Array> {
    await this.clearing;
    for (const { sha256 } of tensor.blocks) {
      if (await this.blocks.has(sha256)) continue;
      const bytes = await this.retry(`block ${sha256}`, stopped, () => this.fetch(sha256));
      await this.blocks.put(sha256, bytes);
    }
    return getTensor(this.recent, tensor);
  }

  /** Deletes all blocks; called when no task is live. A task that begins meanwhile waits until they are gone. */
  clearBlocks(): Promise<void> {
    const folder = join(this.options.folder, 'blocks');
    this.recent.clear();
    // A task that has just ended may still be writing a block into the folder, hence the retries.
    this.clearing = this.clearing.then(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    return (this.clearing = this.clearing.catch(() => undefined));
  }

  /** Keeps the file `current` and those that were used most recently. */
  private async removeOldTokenFiles(current: string): Promise<void> {
    const folder = join(this.options.folder, 'datasets');
    const names = (await readdir(folder)).filter((name) => SHA256.test(name) && name !== current);
    const files = await Promise.all(
      names.map(async (name) => ({
        name,
        usedMs: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0,
      })),
    );
    const old = files.sort((a, b) => b.usedMs - a.usedMs).slice(TOKEN_FILES_KEPT - 1);
    await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })));
  }

  /** Deletes the half-written files of a process that died. */
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
    // Two attempts may fetch the same file at the same time, so that each writes a part of its own.
    const part = `${path}.part-${this.options.newName()}`;
    await mkdir(dirname(path), { recursive: true });
    try {
      await pipeline(Readable.from(this.options.blobs.get(sha256, 0), { objectMode: false }), createWriteStream(part));
    } catch (error) {
      await rm(part, { force: true });
      throw error instanceof AppError ? error : homeUnwritable(part, error);
    }
    const hash = createHash('sha256');
    await pipeline(createReadStream(part), hash);
    const found = hash.digest('hex');
    if (found !== sha256) {
      await rm(part, { force: true });
      throw blobCorrupt(sha256, found);
    }
    await rename(part, path);
  }

  private retry<T>(what: string, stopped: () => boolean, work: () => Promise<T>): Promise<T> {
    const { clock, random } = this.options;
    return retryWhileAway(work, { what, clock, random, stopped });
  }
}
