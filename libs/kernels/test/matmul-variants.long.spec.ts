import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Dims, KERNELS } from '../src';
import { checkVariants, FUSED, FUSED_SHAPES, PRODUCTS, SHAPES, strided } from './product-variants';
import { seededUniform } from './seeded-data';
import { openTestDevice, type TestDevice } from './webgpu-device';

/** A software driver compiles a shader for seconds, which is why these tests are long. */
const RANDOM_SHAPES_ON_A_GPU = 12;
const TIMEOUT_MS = 300_000;

function randomShapes(count: number): Dims[] {
  const uniform = seededUniform(7);
  const size = (max: number): number => 1 + Math.floor(uniform() * max);
  return Array.from({ length: count }, () => ({ M: size(300), K: size(600), N: size(300), accumulate: size(2) - 1 }));
}

let device: TestDevice | undefined;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device?.close());

describe.each(PRODUCTS)('every variant of %s for GPUs gives the bits of the naive one, near the twin', (name) => {
  it.for(SHAPES)('%o', { timeout: TIMEOUT_MS }, async (shape, { skip }) => {
    if (device === undefined) return skip('no adapter');
    await checkVariants(KERNELS[name], strided(name, shape), { on: device });
  });

  it('random shapes', { timeout: TIMEOUT_MS }, async ({ skip }) => {
    if (device?.target.adapterClass !== 'gpu') return skip('no GPU: a software driver takes seconds for each shader');
    for (const shape of randomShapes(RANDOM_SHAPES_ON_A_GPU))
      await checkVariants(KERNELS[name], strided(name, shape), { on: device });
  });
});

describe.each(FUSED)('every variant of %s gives the bits of the naive one, near the twin', (name) => {
  it.for(FUSED_SHAPES)('%o', { timeout: TIMEOUT_MS }, async (shape, { skip }) => {
    if (device === undefined) return skip('no adapter');
    const isSoftware = device.target.adapterClass === 'cpu';
    if (isSoftware && shape !== FUSED_SHAPES[0]) return skip('no GPU: its loads are those of the products above');
    await checkVariants(KERNELS[name], shape, { on: device });
  });
});
