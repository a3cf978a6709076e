import { createHash } from 'node:crypto';
import { mkdir, open, opendir, readFile, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { randomText, systemClock } from '@millrace/core';
import { blockCorrupt, blockMissing, blockNameInvalid, diskFull, storageFailed } from '../checkpoint.errors';
import type { BlockStore, StoredBlock } from './block-store';

const SHA256 = /^[0-9a-f]{64}$/;
const SHARD = /^[0-9a-f]{2}$/;
const TEMPORARY_FOLDER = 'tmp';

/** Space left free for everything else on the disk (database, logs). */
const RESERVE_BYTES = 64 * 1024 * 1024;

export interface FileBlockStoreOptions {
  /** Milliseconds of the wall clock at which a block counts as put; by default the system's time. */
  readonly now: () => number;
}

/**
 * Blocks as files `DIR/ab/abcd…`, 256 folders by the first two digits. A block appears by rename after its bytes
 * are synced, and the folder is synced after that: a crash leaves a whole block or none.
 */
export class FileBlockStore implements BlockStore {
  constructor(
    private readonly folder: string,
    private readonly options: FileBlockStoreOptions = systemClock,
  ) {}

  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(sha256);
    const found = hashOf(bytes);
    if (found !== sha256) throw blockCorrupt(sha256, found);
    await guarded(path, async () => {
      if (!(await this.refresh(path, sha256))) await this.write(path, bytes);
    });
  }

  async get(sha256: string): Promise<Uint8Array> {
    const path = this.pathOf(sha256);
    const bytes = await guarded(path, () => ifThere(readFile(path)));
    if (bytes === undefined) throw blockMissing(sha256);
    const found = hashOf(bytes);
    if (found !== sha256) throw blockCorrupt(sha256, found);
    return bytes;
  }

  async has(sha256: string): Promise<boolean> {
    return (await this.sizeOf(sha256)) !== undefined;
  }

  async sizeOf(sha256: string): Promise<number | undefined> {
    const path = this.pathOf(sha256);
    return (await guarded(path, () => ifThere(stat(path))))?.size;
  }

  async delete(sha256: string): Promise<void> {
    const path = this.pathOf(sha256);
    await guarded(path, () => rm(path, { force: true }));
  }

  async *list(): AsyncGenerator<StoredBlock> {
    for await (const shard of entries(this.folder)) {
      if (!SHARD.test(shard)) continue;
      for await (const sha256 of entries(join(this.folder, shard))) {
        if (!SHA256.test(sha256)) continue;
        // A block may be deleted while the list is read.
        const status = await guarded(this.folder, () => ifThere(stat(this.pathOf(sha256))));
        if (status !== undefined) yield { sha256, bytes: status.size, putAtMs: status.mtimeMs };
      }
    }
  }

  /** Bytes that this process may still write to the store's disk. */
  async freeBytes(): Promise<number> {
    return guarded(this.folder, async () => {
      await mkdir(this.folder, { recursive: true });
      const { bavail, bsize } = await statfs(this.folder);
      return bavail * bsize;
    });
  }

  /** Throws CHECKPOINT.DISK_FULL unless `neededBytes` and a reserve of 64 MiB are free. */
  async checkSpace(neededBytes: number): Promise<void> {
    const freeBytes = await this.freeBytes();
    if (freeBytes < neededBytes + RESERVE_BYTES)
      throw diskFull(this.folder, { neededBytes: neededBytes + RESERVE_BYTES, freeBytes });
  }

  /** Deletes the files of unfinished writes that are older than `ageMs`: younger writes may be under way. */
  async deleteTemporary(ageMs: number): Promise<void> {
    const folder = join(this.folder, TEMPORARY_FOLDER);
    const oldMs = this.options.now() - ageMs;
    for await (const name of entries(folder)) {
      const path = join(folder, name);
      const status = await guarded(path, () => ifThere(stat(path)));
      if (status !== undefined && status.mtimeMs < oldMs) await guarded(path, () => rm(path, { force: true }));
    }
  }

  private pathOf(sha256: string): string {
    // The check also keeps a "../" from a manifest or a peer out of paths.
    if (!SHA256.test(sha256)) throw blockNameInvalid(sha256);
    return join(this.folder, sha256.slice(0, 2), sha256);
  }

  /**
   * Returns true when the block exists and is whole. Its time is set to now, so that a collection under way spares it.
   */
  private async refresh(path: string, sha256: string): Promise<boolean> {
    const seconds = this.options.now() / 1000;
    // The time is set before the read, so that the read notices if a collection deletes the block in between.
    const touched = await ifThere(utimes(path, seconds, seconds).then(() => true));
    if (touched === undefined) return false;
    const stored = await ifThere(readFile(path));
    return stored !== undefined && hashOf(stored) === sha256;
  }

  private async write(path: string, bytes: Uint8Array): Promise<void> {
    const shard = join(path, '..');
    const temporary = join(this.folder, TEMPORARY_FOLDER, randomText(10));
    await mkdir(join(this.folder, TEMPORARY_FOLDER), { recursive: true });
    if ((await mkdir(shard, { recursive: true })) !== undefined) await syncFolder(this.folder);
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(bytes);
        const seconds = this.options.now() / 1000;
        await file.utimes(seconds, seconds);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      await syncFolder(shard);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A rename is durable only once its folder is synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ENOENT';
}

async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageFailed(path, error);
  }
}

async function* entries(folder: string): AsyncGenerator<string> {
  const opened = await guarded(folder, () => ifThere(opendir(folder)));
  if (opened === undefined) return;
  for await (const entry of opened) yield entry.name;
}
