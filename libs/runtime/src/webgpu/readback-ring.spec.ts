import { expect, it } from 'vitest';
import { ReadbackRing } from './readback-ring';

const LARGE_BYTES = 32 * 2 ** 20;

it('frees the large buffers of a checkpoint soon after it, and keeps those in use', async () => {
  let liveBytes = 0;
  const createBuffer = ({ size }: GPUBufferDescriptor): GPUBuffer => {
    liveBytes += size;
    const buffer: Partial<GPUBuffer> = {
      size,
      mapAsync: () => Promise.resolve(undefined),
      getMappedRange: () => new ArrayBuffer(0),
      unmap: () => undefined,
      destroy: () => void (liveBytes -= size),
    };
    return buffer as GPUBuffer;
  };
  const ring = new ReadbackRing({ createBuffer });
  const read = async (bytes: number, count: number): Promise<void> => {
    const buffers = Array.from({ length: count }, () => ring.take(bytes));
    for (const buffer of buffers) await ring.map(buffer, bytes, () => undefined);
  };
  await read(LARGE_BYTES, 4);
  await read(LARGE_BYTES, 4);
  expect(liveBytes).toBe(4 * LARGE_BYTES);
  for (let step = 0; step < 100; step++) await read(4096, 2);
  expect(liveBytes).toBe(2 * 4096);
});
