import { expect, it } from 'vitest';
import { BoundedReads } from './bounded-reads';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('has room again when the oldest read is done, even if it failed', async () => {
  const reads = new BoundedReads(2);
  const ends: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const begin = (): Promise<number> =>
    reads.add(new Promise<number>((resolve, reject) => ends.push({ resolve, reject })));
  await reads.room();
  const first = begin();
  await reads.room();
  const second = begin();
  let hasRoom = false;
  void reads.room().then(() => (hasRoom = true));
  await turn();
  expect(hasRoom).toBe(false);
  ends[0]!.reject(new Error('lost'));
  await expect(first).rejects.toThrow('lost');
  await turn();
  expect(hasRoom).toBe(true);
  begin().catch(() => undefined);
  ends[1]!.resolve(7);
  expect(await second).toBe(7);
  await reads.room();
});
