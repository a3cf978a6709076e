import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BlockPacker } from './block-packer';
import { RecentBlocks } from './recent-blocks';
import { BLOCK_BYTES, getTensor } from './split-blocks';

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function memoryStore(): { blocks: Map<string, Uint8Array>; put: (bytes: Uint8Array) => Promise<string> } {
  const blocks = new Map<string, Uint8Array>();
  const put = (bytes: Uint8Array): Promise<string> =>
    Promise.resolve(sha(bytes)).then((at) => (blocks.set(at, bytes), at));
  return { blocks, put };
}

it('gives back every tensor from blocks that they share, whatever their sizes', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: BLOCK_BYTES / 8 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, async (lengths) => {
      const { blocks, put } = memoryStore();
      const packer = new BlockPacker(put);
      const tensors = lengths.map((length, index) => Float32Array.from({ length }, (_, at) => index + at / length));
      const references = tensors.map((values) => packer.add(new Uint8Array(values.buffer)));
      packer.flush();
      const store = new RecentBlocks((sha256) => Promise.resolve(blocks.get(sha256)!));
      for (const [index, values] of tensors.entries()) {
        const stored = { name: 'w', shape: [values.length], blocks: [await references[index]!] };
        expect(await getTensor(store, stored)).toEqual(values);
      }
      const totalBytes = lengths.reduce((sum, length) => sum + 4 * length, 0);
      expect(blocks.size).toBeLessThan(2 + (2 * totalBytes) / BLOCK_BYTES);
      for (const block of blocks.values()) expect(block.length).toBeLessThanOrEqual(BLOCK_BYTES);
    }),
    { numRuns: 6 },
  );
});

it('lays out the same tensors in the same way, the first of a block without an offset', async () => {
  const { put } = memoryStore();
  const packer = new BlockPacker(put);
  const added = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)].map((bytes) => packer.add(bytes));
  packer.flush();
  packer.flush();
  const sha256 = sha(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  expect(await Promise.all(added)).toEqual([
    { sha256, bytes: 4 },
    { sha256, bytes: 4, offset: 4 },
  ]);
});

it('tells every tensor of a block that it could not be stored', async () => {
  const packer = new BlockPacker(() => Promise.reject(new Error('full')));
  const added = [packer.add(new Uint8Array(4)), packer.add(new Uint8Array(8))];
  packer.flush();
  for (const reference of added) await expect(reference).rejects.toThrow('full');
});

it('refuses a piece that its block does not hold', async () => {
  const store = { get: () => Promise.resolve(new Uint8Array(8)) };
  const piece = { sha256: sha(new Uint8Array(8)), bytes: 8, offset: 4 };
  await expect(getTensor(store, { name: 'w', shape: [2], blocks: [piece] })).rejects.toMatchObject({
    code: 'CHECKPOINT.BLOCKS_WRONG_SIZE',
  });
});
