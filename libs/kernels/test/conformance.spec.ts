import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dims, KERNELS, WGSL } from '../src';
import type { ConformanceCase } from './cases/conformance-case';
import { CONFORMANCE_CASES } from './conformance-cases';
import { aboveDiagonal, compare, hostTensors, limitOf, twinTensors, variantsOf } from './conformance-check';
import { formatDims, openTestDevice, type TestDevice } from './webgpu-device';

let device: TestDevice | undefined;
const lines: string[] = [];

// A software driver compiles a GPU's unrolled, barrier-ridden shaders for seconds: one shape of each must do there, the
// one of several tiles cut by the edges, with every flag on.
const GPU_SHAPES_ON_SOFTWARE = [1];
const CASE_TIMEOUT_MS = 300_000;
/**
 * Launches that are cut compute the same bits, most of which have more workgroups than that; and so do those that a
 * software driver is told the sizes of in a buffer.
 */
const PART_COUNT = 3;

/** Whether forms in f16 run on all shapes and in a GPU's variants: half-conformance.long.spec.ts asks for that. */
const HALVES_ALONE = process.env['MILLRACE_HALVES'] === '1';

/**
 * Whether all shapes run with sizes as constants too, each of which a software driver compiles anew, and all chosen
 * shapes in a GPU's variants; otherwise one of each does there. constant-sizes.long.spec.ts asks for all.
 */
const ALL_FORMS = HALVES_ALONE || process.env['MILLRACE_ALL_FORMS'] === '1';

/** Whether every other shape is enough: second-driver.spec.ts asks for that. The one of GPU variants is among them. */
const SAMPLED = process.env['MILLRACE_SAMPLED_SHAPES'] === '1';

function shapesOf({ kernel, dims, isHalf = false }: ConformanceCase): readonly Dims[] {
  if (HALVES_ALONE) return isHalf ? dims : [];
  // A form in f16 is the same text but for loads and stores: one shape of each method shows those.
  if (isHalf) return kernel.startsWith('matmul') ? [dims[1]!, dims.at(-1)!] : dims.slice(-1);
  return SAMPLED && dims.length > 2 ? dims.filter((_, index) => index % 2 === 1) : dims;
}

function bits(values: Float32Array | Uint32Array | undefined): Uint32Array | undefined {
  return values && new Uint32Array(values.buffer, values.byteOffset, values.length);
}

async function check(testCase: ConformanceCase, dims: Record<string, number>, on: TestDevice): Promise<void> {
  const kernel = KERNELS[testCase.kernel];
  const isWhole = !testCase.isHalf || HALVES_ALONE;
  const gpuShapes = (testCase.gpuShapes ?? GPU_SHAPES_ON_SOFTWARE).slice(0, ALL_FORMS ? undefined : 1);
  const gpuShape = isWhole && gpuShapes.includes(testCase.dims.indexOf(dims));
  const inBothForms = ALL_FORMS || dims === shapesOf(testCase).at(-1);
  const gpuVariants = on.target.adapterClass === 'gpu' || gpuShape;
  const tensors = hostTensors(testCase, dims);
  const expected = twinTensors(kernel, dims, tensors);
  const isSoftware = on.target.adapterClass === 'cpu';
  for (const variant of variantsOf(kernel, dims, { target: on.target, gpuVariants })) {
    // SwiftShader divides by a constant and by a number to different bits; it is only ever told numbers.
    const sizesInBuffer = isSoftware && (SAMPLED || !inBothForms);
    const actual = await on.run(kernel, variant, { tensors, sizesInBuffer });
    const inParts = await on.run(kernel, variant, { tensors, partCount: PART_COUNT, sizesInBuffer: isSoftware });
    for (const [name, values] of Object.entries(actual)) {
      const difference = compare(values, expected[name] ?? new Float64Array(), {
        skip: aboveDiagonal(testCase, name, dims),
        scaleMin: testCase.scaleMin,
      });
      const figures = `max abs ${difference.absolute.toExponential(1)} rel ${difference.relative.toExponential(1)}`;
      const subject = `${variant.wgsl} ${formatDims(dims)} [${variant.workgroups.join(',')}] ${name}`;
      const limit = limitOf(testCase, name, dims);
      lines.push(`${subject}: ${figures} (limit ${limit.toExponential(1)})`);
      expect(difference.relative, subject).toBeLessThanOrEqual(limit);
      expect(bits(inParts[name]), `${subject} in parts`).toEqual(bits(values));
    }
  }
}

/** The worst figure of every shader, for whoever reads the log. */
function summary(): string {
  const worst = new Map<string, string>();
  for (const line of lines) {
    const name = line.split(' ')[0] ?? '';
    const relative = (text: string): number => Number(/rel (\S+)/.exec(text)?.[1]);
    const known = worst.get(name);
    if (known === undefined || relative(line) > relative(known)) worst.set(name, line);
  }
  return [...worst.values()].join('\n');
}

/** The shaders that no case ran here, each with the extension that it enables, of which adapters have more or less. */
function shadersNotRun(): string {
  const run = new Set(lines.map((line) => line.split(' ')[0]));
  const names = Object.keys(WGSL).filter((name) => !run.has(name));
  const extension = (name: string): string => {
    const enabled = [...(WGSL[name] ?? '').matchAll(/^enable ([^;]+);/gm)].map(([, each]) => each);
    return enabled.join(' and ') || 'no extension';
  };
  return names.map((name) => `${name} (enables ${extension(name)})`).join(', ') || 'none';
}

afterAll(() => {
  if (lines.length > 0) {
    process.stdout.write(`kernels on ${device?.description}, worst case of each shader\n${summary()}\n`);
    process.stdout.write(
      `with subgroups of ${device?.target.subgroupSize ?? 'any size'}, not run: ${shadersNotRun()}\n`,
    );
  }
  device?.close();
});

it('has cases for every kernel', () => {
  expect(new Set(CONFORMANCE_CASES.map(({ kernel }) => kernel))).toEqual(new Set(Object.keys(KERNELS)));
});

describe('kernels agree with their twins', () => {
  beforeAll(async () => {
    device = await openTestDevice();
  });
  for (const testCase of CONFORMANCE_CASES) {
    if (shapesOf(testCase).length === 0) continue;
    describe(testCase.kernel, () => {
      for (const dims of shapesOf(testCase)) {
        it(formatDims(dims), { timeout: CASE_TIMEOUT_MS }, async ({ skip }) => {
          if (device === undefined) skip('no adapter');
          else if (testCase.isHalf && !device.half) skip('no shader-f16');
          else await check(testCase, dims, device);
        });
      }
    });
  }
});
