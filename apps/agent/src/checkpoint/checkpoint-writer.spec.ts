import { createHash } from 'node:crypto';
import { BLOCK_BYTES, canonicalJson, splitBlocks } from '@millrace/checkpoint';
import { AppError } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { expect, it, vi } from 'vitest';
import type { BlobPort, BlockToPut } from '../blobs/blob-port';
import { CheckpointWriter, HELD_BYTES_MAX } from './checkpoint-writer';

/** Pieces of 32 MiB, as a snapshot makes them; a row of elements is a block. */
const PIECE_ELEMENTS = 8 * (BLOCK_BYTES / 4);

const PATIENCE_MS = 900_000;

function writer(put: (block: BlockToPut) => Promise<void>, clock = new FakeClock()): CheckpointWriter {
  const blobs = { put } as Partial<BlobPort> as BlobPort;
  const options = { runId: 'run', fence: 1, step: 1, blobs, clock, random: () => 0, patienceMs: PATIENCE_MS };
  return new CheckpointWriter({ ...options, stopped: () => false });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('takes no more than it may hold while the API takes nothing', async () => {
  const waiting: (() => void)[] = [];
  const given = writer(() => new Promise((resolve) => waiting.push(resolve)));
  const pieceCount = 6;
  const shape = [pieceCount * PIECE_ELEMENTS];
  let takenBytes = 0;
  let storedBytes = 0;
  const source = (async () => {
    for (let index = 0; index < pieceCount; index++) {
      const data = new Float32Array(PIECE_ELEMENTS).fill(index);
      await given.add({ name: 'w', kind: 'weight', shape, elementOffset: index * PIECE_ELEMENTS, data });
      takenBytes += data.byteLength;
      // The bytes that were taken while there was room for more, and that are not stored yet.
      expect(takenBytes - storedBytes).toBeLessThanOrEqual(HELD_BYTES_MAX);
    }
    return given.finish();
  })();
  let json: string | undefined;
  void source.then((part) => (json = part));
  while (json === undefined) {
    await turn();
    if (waiting.length > 0) storedBytes += BLOCK_BYTES;
    waiting.shift()?.();
  }
  const { tensors } = JSON.parse(json) as { tensors: { blocks: unknown[] }[] };
  expect(tensors[0]!.blocks).toHaveLength(pieceCount * 8);
});

it('writes of pieces what it writes of whole tensors', async () => {
  const stored = new Map<string, Uint8Array>();
  const given = writer(async ({ sha256, bytes }) => void stored.set(sha256, bytes.slice()));
  const large = Float32Array.from({ length: BLOCK_BYTES / 2 + 5 }, (_, index) => index);
  const split = BLOCK_BYTES / 4;
  const [small, tiny] = [Float32Array.of(1, 2, 3), Float32Array.of(4)];
  const add = (name: string, data: Float32Array, elementOffset = 0, length = data.length): Promise<void> =>
    given.add({ name, kind: 'weight', shape: [length], elementOffset, data: data.slice() });
  await add('small', small);
  await add('large', large.subarray(0, split), 0, large.length);
  await add('large', large.subarray(split), split, large.length);
  await add('tiny', tiny);
  const packed = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
  const sha256 = createHash('sha256').update(packed).digest('hex');
  const blocks = splitBlocks(new Uint8Array(large.buffer)).map((block) => ({
    sha256: block.sha256,
    bytes: block.bytes.length,
  }));
  const entry = { kind: 'weight', dtype: 'f32' };
  const tensors = [
    { ...entry, name: 'small', shape: [3], blocks: [{ sha256, bytes: 12 }] },
    { ...entry, name: 'large', shape: [large.length], blocks: [...blocks] },
    { ...entry, name: 'tiny', shape: [1], blocks: [{ sha256, bytes: 4, offset: 12 }] },
  ];
  expect(await given.finish()).toBe(canonicalJson({ tensors }));
  expect([...stored.keys()].sort()).toEqual([...blocks.map((block) => block.sha256), sha256].sort());
});

it('goes on taking pieces after a failure, which it tells at the end', async () => {
  const full = new AppError({ code: 'GRPC.RESOURCE_EXHAUSTED', kind: 'exhausted', message: 'the disk is full' });
  const given = writer(() => Promise.reject(full));
  const shape = [4 * PIECE_ELEMENTS];
  for (let index = 0; index < 4; index++) {
    const data = new Float32Array(PIECE_ELEMENTS);
    await given.add({ name: 'w', kind: 'weight', shape, elementOffset: index * PIECE_ELEMENTS, data });
  }
  await expect(given.finish()).rejects.toBe(full);
});

it.each([
  ['goes on while the API is away for less than its grace', PATIENCE_MS - 10_000, undefined],
  ['gives a checkpoint up whose blocks the API never takes', Infinity, 'BLOB.GIVEN_UP'],
])('%s', async (_, awayMs, code) => {
  const clock = new FakeClock();
  const away = new AppError({ code: 'GRPC.UNAVAILABLE', kind: 'unavailable', message: 'the block store hangs' });
  const put = vi.fn(() => (clock.monotonicMs() < awayMs ? Promise.reject(away) : Promise.resolve()));
  const given = writer(put, clock);
  await given.add({ name: 'w', kind: 'weight', shape: [1], elementOffset: 0, data: Float32Array.of(1) });
  const finished = given.finish().then(
    () => undefined,
    (error: AppError) => error.code,
  );
  // The hash comes from another thread, which the clock knows nothing of.
  await vi.waitUntil(() => put.mock.calls.length > 0, { timeout: 30_000, interval: 1 });
  expect(await clock.run(finished, 2 * PATIENCE_MS)).toBe(code);
});
