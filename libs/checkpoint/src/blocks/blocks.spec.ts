import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { StoredBlock } from './block-store';
import { storageFailed } from '../checkpoint.errors';
import { FileBlockStore } from './file-block-store';
import { blockReferences, getTensor, joinBlocks, putTensor, splitBlocks } from './split-blocks';

const root = mkdtempSync(join(tmpdir(), 'millrace-blocks-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const failing = (code: string): Error =>
  expect.objectContaining({ name: 'AppError', code: `CHECKPOINT.${code}` }) as Error;

async function listed(store: FileBlockStore): Promise<StoredBlock[]> {
  const blocks: StoredBlock[] = [];
  for await (const block of store.list()) blocks.push(block);
  return blocks.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
}

describe('FileBlockStore', () => {
  let folder: string;
  let nowMs: number;
  let store: FileBlockStore;
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'store-'));
    nowMs = 1_700_000_000_000;
    store = new FileBlockStore(folder, { now: () => nowMs });
  });
  const bytes = Buffer.from('some weights');
  const address = sha(bytes);
  const pathOf = (): string => join(folder, address.slice(0, 2), address);

  it('gives back what was put, in folders by the first two digits, and nothing else', async () => {
    expect(await store.has(address)).toBe(false);
    await store.put(address, bytes);
    expect(await store.has(address)).toBe(true);
    expect(Buffer.compare(await store.get(address), bytes)).toBe(0);
    expect(statSync(pathOf()).size).toBe(bytes.length);
    expect(await listed(store)).toEqual([{ sha256: address, bytes: bytes.length, putAtMs: nowMs }]);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('keeps a block put twice, with the later time', async () => {
    await store.put(address, bytes);
    const { ino } = statSync(pathOf());
    nowMs += 5000;
    await store.put(address, bytes);
    expect(statSync(pathOf()).ino).toBe(ino);
    expect((await listed(store))[0]?.putAtMs).toBe(nowMs);
  });

  it('takes the same block from many writers at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => store.put(address, bytes)));
    expect(await listed(store)).toHaveLength(1);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('refuses bytes of another hash and finds damage on disk, which a new put mends', async () => {
    await expect(store.put(sha(Buffer.from('other')), bytes)).rejects.toThrowError(failing('BLOCK_CORRUPT'));
    expect(await listed(store)).toEqual([]);
    await store.put(address, bytes);
    truncateSync(pathOf(), 3);
    await expect(store.get(address)).rejects.toThrowError(failing('BLOCK_CORRUPT'));
    await store.put(address, bytes);
    expect(Buffer.compare(await store.get(address), bytes)).toBe(0);
  });

  it('deletes, also what is not there, and names a missing block', async () => {
    await store.put(address, bytes);
    await store.delete(address);
    await store.delete(address);
    await expect(store.get(address)).rejects.toThrowError(failing('BLOCK_MISSING'));
    expect(await listed(store)).toEqual([]);
  });

  it('refuses names that are no address', async () => {
    for (const name of ['../../etc/passwd', address.toUpperCase(), '', address.slice(1)]) {
      await expect(store.put(name, bytes)).rejects.toThrowError(failing('BLOCK_NAME_INVALID'));
      await expect(store.get(name)).rejects.toThrowError(failing('BLOCK_NAME_INVALID'));
      await expect(store.delete(name)).rejects.toThrowError(failing('BLOCK_NAME_INVALID'));
    }
  });

  it('lists nothing but blocks, and nothing where no folder is', async () => {
    mkdirSync(join(folder, 'tmp'));
    writeFileSync(join(folder, 'tmp', 'half'), 'x');
    mkdirSync(join(folder, 'ab'));
    writeFileSync(join(folder, 'ab', 'notes.txt'), 'x');
    expect(await listed(store)).toEqual([]);
    const madeMs = statSync(join(folder, 'tmp', 'half')).mtimeMs;
    const later = new FileBlockStore(folder, { now: () => madeMs + 1000 });
    await later.deleteTemporary(2000);
    expect(readdirSync(join(folder, 'tmp'))).toEqual(['half']);
    await later.deleteTemporary(500);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    expect(await listed(new FileBlockStore(join(folder, 'missing'), { now: () => 0 }))).toEqual([]);
  });

  it('knows the free space and refuses what does not fit', async () => {
    expect(await store.freeBytes()).toBeGreaterThan(0);
    await expect(store.checkSpace(0)).resolves.toBeUndefined();
    await expect(store.checkSpace(2 ** 52)).rejects.toThrowError(failing('DISK_FULL'));
    for (const code of ['ENOSPC', 'EDQUOT'])
      expect(storageFailed('/blocks', Object.assign(new Error(code), { code })).code).toBe('CHECKPOINT.DISK_FULL');
  });

  it('says which path it cannot write', async () => {
    writeFileSync(join(folder, 'file'), '');
    const blocked = new FileBlockStore(join(folder, 'file'), { now: () => 0 });
    await expect(blocked.put(address, bytes)).rejects.toThrowError(failing('STORAGE_FAILED'));
  });

  it('keeps tensors in blocks', async () => {
    const values = Float32Array.from({ length: 1000 }, (_, index) => Math.fround(index / 7));
    const blocks = await putTensor(store, values.subarray(1), 512);
    expect(blocks.map((block) => block.bytes)).toEqual([512, 512, 512, 512, 512, 512, 512, 412]);
    expect([...(await getTensor(store, { name: 'w', shape: [27, 37], blocks }))]).toEqual([...values.subarray(1)]);
    const wrong = failing('BLOCKS_WRONG_SIZE');
    await expect(getTensor(store, { name: 'w', shape: [998], blocks })).rejects.toThrowError(wrong);
    await expect(getTensor(store, { name: 'w', shape: [1000], blocks })).rejects.toThrowError(wrong);
  });
});

describe('splitBlocks', () => {
  it('is undone by joinBlocks, with every block addressed by its hash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (bytes, words) => {
        const blocks = splitBlocks(bytes, words * 4);
        expect(Buffer.compare(joinBlocks(blocks.map((block) => block.bytes)), bytes)).toBe(0);
        expect(blocks).toHaveLength(Math.ceil(bytes.length / (words * 4)));
        for (const block of blocks) expect(block.sha256).toBe(sha(block.bytes));
        expect(blockReferences(blocks)).toEqual(
          blocks.map((block) => ({ sha256: sha(block.bytes), bytes: block.bytes.length })),
        );
      }),
    );
  });
});
