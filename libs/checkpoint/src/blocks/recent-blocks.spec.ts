import { expect, it } from 'vitest';
import { RecentBlocks } from './recent-blocks';

it('reads a block once while it is among the last four used, also for those who ask at once', async () => {
  const read: string[] = [];
  const blocks = new RecentBlocks((sha256) => {
    read.push(sha256);
    return Promise.resolve(Buffer.from(sha256));
  });
  await Promise.all([blocks.get('a'), blocks.get('a')]);
  for (const name of ['b', 'c', 'a', 'd']) await blocks.get(name);
  expect(read).toEqual(['a', 'b', 'c', 'd']);
  // The fifth takes the place of the one used longest ago.
  await blocks.get('e');
  expect(Buffer.from(await blocks.get('a')).toString()).toBe('a');
  await blocks.get('b');
  expect(read).toEqual(['a', 'b', 'c', 'd', 'e', 'b']);
  blocks.clear();
  await blocks.get('a');
  expect(read.at(-1)).toBe('a');
});

it('reads anew what failed', async () => {
  let attempts = 0;
  const blocks = new RecentBlocks(() => {
    attempts++;
    return attempts === 1 ? Promise.reject(new Error('away')) : Promise.resolve(Uint8Array.of(1));
  });
  await expect(blocks.get('a')).rejects.toThrow('away');
  expect(await blocks.get('a')).toEqual(Uint8Array.of(1));
});
