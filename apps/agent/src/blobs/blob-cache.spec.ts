import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@millrace/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BlobCache } from './blob-cache';
import type { BlobPort } from './blob-port';

const never = (): boolean => false;
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let folder: string;
let blobs: Map<string, Buffer>;
let nowMs: number;
let nameCount: number;
let cache: BlobCache;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-cache-'));
  blobs = new Map();
  nowMs = 1_700_000_000_000;
  nameCount = 0;
  const clock: Clock = { now: () => nowMs, monotonicMs: () => nowMs, after: () => () => undefined };
  const port: Pick<BlobPort, 'get'> = {
    async *get(sha256) {
      yield await Promise.resolve(blobs.get(sha256)!);
    },
  };
  const newName = (): string => String(nameCount++);
  cache = new BlobCache({ folder, blobs: port as BlobPort, clock, random: () => 0.5, newName });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function add(content: string | Buffer): { sha256: string; bytes: number } {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const sha256 = hashOf(bytes);
  blobs.set(sha256, bytes);
  return { sha256, bytes: bytes.length };
}

it('lets two attempts fetch the same token file at once', async () => {
  const { sha256, bytes } = add('tokens');
  const paths = await Promise.all([cache.tokenFile(sha256, bytes, never), cache.tokenFile(sha256, bytes, never)]);
  expect(paths[0]).toBe(paths[1]);
  expect(nameCount).toBe(2);
  expect(readdirSync(join(folder, 'datasets'))).toEqual([sha256]);
});

it('leaves no half-written file when a blob is damaged', async () => {
  const { sha256, bytes } = add('tokens');
  blobs.set(sha256, Buffer.from('others'));
  await expect(cache.tokenFile(sha256, bytes, never)).rejects.toMatchObject({ code: 'BLOB.CORRUPT' });
  expect(readdirSync(join(folder, 'datasets'))).toEqual([]);
});

it('keeps the four token files that were used last', async () => {
  const files = ['a', 'b', 'c', 'd'].map((text) => add(text));
  for (const { sha256, bytes } of files) {
    await cache.tokenFile(sha256, bytes, never);
    // The file system's clock says when a file was fetched, ours when it was used again.
    nowMs = Date.now() + 10_000;
  }
  await cache.tokenFile(files[0]!.sha256, files[0]!.bytes, never);
  const fifth = add('e');
  await cache.tokenFile(fifth.sha256, fifth.bytes, never);
  const left = readdirSync(join(folder, 'datasets'));
  expect(left).toHaveLength(4);
  expect(left).toContain(files[0]!.sha256);
  expect(left).toContain(fifth.sha256);
});

it('clears its blocks, and whoever loads meanwhile waits for that', async () => {
  const data = Float32Array.of(1, 2, 3);
  const block = add(Buffer.from(data.buffer));
  const tensor = { name: 'w', kind: 'weight' as const, dtype: 'f32' as const, shape: [3], blocks: [block] };
  expect(await cache.tensor(tensor, never)).toEqual(data);
  mkdirSync(join(folder, 'blocks', 'zz'));
  writeFileSync(join(folder, 'blocks', 'zz', 'old'), 'x');
  const [, again] = await Promise.all([cache.clearBlocks(), cache.tensor(tensor, never)]);
  expect(again).toEqual(data);
  expect(existsSync(join(folder, 'blocks', 'zz'))).toBe(false);
  await cache.clearBlocks();
  expect(existsSync(join(folder, 'blocks'))).toBe(false);
});
