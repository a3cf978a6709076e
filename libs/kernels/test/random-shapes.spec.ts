import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dims, KERNELS } from '../src';
import type { ConformanceCase } from './cases/conformance-case';
import { randomShapes, statedBound } from './cases/random-shapes';
import { CONFORMANCE_CASES } from './conformance-cases';
import { aboveDiagonal, compare, hostTensors, limitOf, twinTensors, variantsOf } from './conformance-check';
import { seededUniform } from './seeded-data';
import { formatDims, openTestDevice, type TestDevice } from './webgpu-device';

/**
 * Every kernel on made-up shapes, primes and head sizes from 40 to 256 among them, within c · sqrt(K) · eps of its twin
 * (cases/random-shapes.ts). conformance.spec.ts has chosen shapes, also in what a GPU would choose, and rows.spec.ts
 * rows of up to 200,000. On a GPU there are more, since it compiles shaders faster.
 */
const COUNT = { cpu: 1, gpu: 6 };
const TIMEOUT_MS = 300_000;

let device: TestDevice | undefined;
const worst = new Map<string, readonly [part: number, line: string]>();

beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => {
  const lines = [...worst.values()].map(([, line]) => line);
  if (lines.length > 0) process.stdout.write(`random shapes on ${device?.description}\n${lines.join('\n')}\n`);
  device?.close();
});

/** A kernel keeps its shapes when others come or go. */
function seedOf(kernel: string): number {
  return [...kernel].reduce((seed, letter) => Math.imul(seed, 31) + letter.charCodeAt(0), 1);
}

async function check(testCase: ConformanceCase, dims: Dims, on: TestDevice): Promise<void> {
  const kernel = KERNELS[testCase.kernel];
  const gpuVariants = on.target.adapterClass === 'gpu';
  const tensors = hostTensors(testCase, { ...dims });
  const expected = twinTensors(kernel, { ...dims }, tensors);
  const bounded = { ...testCase, tolerance: () => statedBound(testCase, dims) };
  for (const variant of variantsOf(kernel, { ...dims }, { target: on.target, gpuVariants })) {
    for (const [name, values] of Object.entries(await on.run(kernel, variant, { tensors }))) {
      const skip = aboveDiagonal(testCase, name, { ...dims });
      const { relative } = compare(values, expected[name]!, { skip, scaleMin: testCase.scaleMin });
      const limit = limitOf(bounded, name, { ...dims });
      const subject = `${variant.wgsl} ${formatDims(dims)} ${name}`;
      expect(relative, subject).toBeLessThanOrEqual(limit);
      const part = limit === 0 ? 0 : relative / limit;
      const line = `${subject}: ${relative.toExponential(1)}, ${part.toFixed(2)} of the bound`;
      if (part >= (worst.get(kernel.name)?.[0] ?? 0)) worst.set(kernel.name, [part, line]);
    }
  }
}

describe('kernels agree with their twins on random shapes', () => {
  it.for(CONFORMANCE_CASES.map((testCase) => [testCase.kernel, testCase] as const))(
    '%s',
    { timeout: TIMEOUT_MS },
    async ([kernel, testCase], { skip }) => {
      if (device === undefined) return skip('no adapter');
      if (testCase.isHalf && !device.half) return skip('no shader-f16');
      const count = COUNT[device.target.adapterClass];
      for (const dims of randomShapes(testCase, count, seededUniform(seedOf(kernel))))
        await check(testCase, dims, device);
    },
  );
});
