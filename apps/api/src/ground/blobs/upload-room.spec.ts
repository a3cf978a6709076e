import { expect, it } from 'vitest';
import { diskNearlyFull } from './blobs.errors';
import { diskBytesFor, withinRoom } from './upload-room';

const MIB = 1024 ** 2;

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield await Promise.resolve(new Uint8Array(MIB));
}

it('counts the text and its ids', () => {
  expect(['byte', 'gpt2', 'char', undefined].map((name) => diskBytesFor(10, name))).toEqual([20, 20, 30, 10]);
});

it('passes everything on where there is room, and stops where there is none', async () => {
  const asked: number[] = [];
  const blobs = {
    assertRoomFor: (bytes: number): Promise<void> => {
      asked.push(bytes / MIB);
      return bytes > 40 * MIB ? Promise.reject(diskNearlyFull(bytes, 0)) : Promise.resolve();
    },
  };
  const read = async (count: number): Promise<number> => {
    let bytes = 0;
    for await (const chunk of withinRoom(chunks(count), 'char', blobs)) bytes += chunk.byteLength;
    return bytes / MIB;
  };
  expect(await read(20)).toBe(20);
  expect(asked).toEqual([16, 32]);
  await expect(read(30)).rejects.toMatchObject({ code: 'BLOB.DISK_FULL' });
});
