import { expect, it } from 'vitest';
import { ReadbackRing } from './readback-ring';

const LARGE_BYTES = 32 * 2 ** 20;

interface Counted {
  readonly ring: ReadbackRing;
  liveBytes: number;
}

function counted(): Counted {
  const createBuffer = ({ size }: GPUBufferDescriptor): GPUBuffer => {
    counts.liveBytes += size;
    const buffer: Partial<GPUBuffer> = {
      size,
      mapAsync: () => Promise.resolve(undefined),
      getMappedRange: () => new ArrayBuffer(0),
      unmap: () => undefined,
      destroy: () => void (counts.liveBytes -= size),
    };
    return buffer as GPUBuffer;
  };
  const counts: Counted = { ring: new ReadbackRing({ createBuffer }), liveBytes: 0 };
  return counts;
}

it('frees the large buffers of a checkpoint soon after it, and keeps those in use', async () => {
  const counts = counted();
  const { ring } = counts;
  const read = async (bytes: number, count: number): Promise<void> => {
    const buffers = Array.from({ length: count }, () => ring.take(bytes));
    for (const buffer of buffers) await ring.map(buffer, bytes, () => undefined);
  };
  await read(LARGE_BYTES, 4);
  await read(LARGE_BYTES, 4);
  expect(counts.liveBytes).toBe(4 * LARGE_BYTES);
  for (let step = 0; step < 100; step++) await read(4096, 2);
  expect(counts.liveBytes).toBe(2 * 4096);
});

it('holds no more than a window of four groups while a snapshot goes through it, whatever their sizes', async () => {
  const counts = counted();
  // Of 17 to 32 MiB, as whole tensors fill groups.
  const sizes = Array.from({ length: 51 }, (_, index) => (17 + ((index * 7) % 16)) * 2 ** 20);
  const waiting: { readonly buffer: GPUBuffer; readonly bytes: number }[] = [];
  for (const bytes of sizes) {
    if (waiting.length === 4) {
      const { buffer, bytes: oldBytes } = waiting.shift()!;
      await counts.ring.map(buffer, oldBytes, () => undefined);
    }
    waiting.push({ buffer: counts.ring.take(bytes), bytes });
    expect(counts.liveBytes).toBeLessThanOrEqual(4 * LARGE_BYTES);
  }
});
