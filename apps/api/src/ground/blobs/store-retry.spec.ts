import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, type Clock, systemClock } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ApiConfig } from '../config/api-config';
import { BlobsService } from './blobs.service';
import { againAfterDiskErrors } from './store-retry';
import { ThreadedBlockStore } from './threaded-block-store';

const failing = (code: string): AppError => new AppError({ code, kind: 'internal', message: 'EIO' });
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-store-'))));
afterEach(() => rmSync(folder, { recursive: true }));

it('tries again what the disk failed to do, three times', async () => {
  const clock = new FakeClock();
  const error = failing('CHECKPOINT.STORAGE_FAILED');
  const work = vi.fn<() => Promise<string>>().mockRejectedValueOnce(error).mockResolvedValue('read');
  expect(await clock.run(againAfterDiskErrors(clock, work), 10_000)).toBe('read');
  work.mockReset().mockRejectedValue(error);
  await expect(clock.run(againAfterDiskErrors(clock, work), 10_000)).rejects.toBe(error);
  expect(work).toHaveBeenCalledTimes(4);
});

it.each(['CHECKPOINT.DISK_FULL', 'CHECKPOINT.BLOCK_MISSING'])('does not try again after %s', async (code) => {
  const work = vi.fn(() => Promise.reject(failing(code)));
  await expect(againAfterDiskErrors(new FakeClock(), work)).rejects.toMatchObject({ code });
  expect(work).toHaveBeenCalledTimes(1);
});

it('stores a block although the disk failed at first', async () => {
  const bytes = Uint8Array.from([1, 2, 3]);
  const sha256 = hashOf(bytes);
  const path = join(folder, sha256.slice(0, 2), sha256);
  // A folder where the file should be can be touched, but not read.
  mkdirSync(path, { recursive: true });
  utimesSync(path, 1, 1);
  const store = new ThreadedBlockStore(folder, { clock: systemClock });
  const stored = store.put(sha256, bytes.slice());
  await vi.waitUntil(() => statSync(path).mtimeMs > 1000, { timeout: 30_000, interval: 1 });
  rmdirSync(path);
  await stored;
  expect(Uint8Array.from(readFileSync(path))).toEqual(bytes);
  await store.close();
});

it('does not take a blob for missing where the disk fails', async () => {
  const sha256 = hashOf(Buffer.from('tokens'));
  const datasets = join(folder, 'datasets');
  const mend = (): void => {
    rmSync(datasets);
    mkdirSync(datasets);
    writeFileSync(join(datasets, sha256), 'tokens');
  };
  let waits = 0;
  const clock: Clock = {
    ...systemClock,
    after: (_, task) => {
      if (waits++ === 0) mend();
      return systemClock.after(0, task);
    },
  };
  const blobs = new BlobsService({ blobs: folder } as ApiConfig, clock);
  writeFileSync(datasets, 'a file where a folder should be');
  expect((await blobs.openBlob(sha256)).bytes).toBe(6);
  expect(waits).toBe(1);
});
