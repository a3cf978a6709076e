import { expect, it } from 'vitest';
import { ReadbackRing } from './readback-ring';
import { StagingBuffers } from './staging-buffers';

it('gives its own buffers as long as one is free and large enough, then others', async () => {
  let madeCount = 0;
  const createBuffer = ({ size }: GPUBufferDescriptor): GPUBuffer => {
    madeCount++;
    const buffer: Partial<GPUBuffer> = {
      size,
      mapAsync: () => Promise.resolve(undefined),
      getMappedRange: () => new ArrayBuffer(0),
      unmap: () => undefined,
      destroy: () => undefined,
    };
    return buffer as GPUBuffer;
  };
  const ring = new ReadbackRing({ createBuffer });
  const staging = new StagingBuffers({ createBuffer }, { bytes: 102, count: 2 }, ring);
  expect(madeCount).toBe(2);
  const [first, second, third] = [staging.take(102), staging.take(10), staging.take(10)];
  expect([first.size, second.size]).toEqual([104, 104]);
  expect(third.size).toBe(4096);
  expect(ring.bytes).toBe(4096);
  for (const buffer of [third, first]) await staging.map(buffer, 10, () => undefined);
  expect(staging.take(103)).toBe(third);
  expect(staging.take(102)).toBe(first);
  expect(madeCount).toBe(3);
});
