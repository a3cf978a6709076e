import { systemClock } from '@millrace/core';
import { KERNELS, type Operation, PARTIAL_SUMS_MAX, type Program, type TensorDeclaration } from '@millrace/kernels';
import { fitProgram, openNullBackend, type WebGpuBackend } from '@millrace/runtime';
import { type TensorRef, tensorOf, viewOf } from '@millrace/tensor';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LARGE_SIZES, REAL_SIZES, realSizePrograms } from './real-size-programs';

/** The device has 512 MiB in all, and the gradient of SwiGLU binds five tensors. */
const BINDING_BYTES = 96 * 1024 * 1024;
/** Sums of squares bind one large tensor, a pack of parameters that fills the least binding. */
const SQUARES_BINDING_BYTES = 128 * 1024 * 1024;

/** A product that stores f16 is not cut along K, and binds few tensors. */
const HALF_PRODUCT_BINDING_BYTES = 128 * 1024 * 1024;

function bindingBytesOf(program: Program, { kernel }: Operation): number {
  if (program.name === 'squares') return SQUARES_BINDING_BYTES;
  return /^matmul_.*_f16$/.test(kernel) ? HALF_PRODUCT_BINDING_BYTES : BINDING_BYTES;
}

/** A program of this operation alone, each of whose tensors is as large as a view of the operation. */
function alone(operation: Operation, program: Program): Program {
  const declarations = new Map(program.tensors.map((declaration) => [declaration.name, declaration]));
  const tensors = new Map<string, TensorDeclaration>();
  const own = (ref: TensorRef): string => {
    const { shape, dtype } = declarations.get(tensorOf(ref))!;
    const { tensor, offset, length } = viewOf(ref, shape);
    const name = `${tensor} ${offset} ${length}`;
    tensors.set(name, { name, shape: [length], dtype, role: 'scratch' });
    return name;
  };
  const bound = KERNELS[operation.kernel].bindings.map(({ name }) => [name, own(operation.tensors[name]!)]);
  const step = { ...operation, tensors: Object.fromEntries(bound) as Operation['tensors'] };
  return { name: operation.kernel, tensors: [...tensors.values()], steps: [step] };
}

let backend: WebGpuBackend;
beforeEach(async () => {
  backend = await openNullBackend(systemClock);
});
afterEach(() => backend.destroy());

async function rehearse(program: Program): Promise<void> {
  const tensors = new Map(program.tensors.map((declaration) => [declaration.name, backend.allocate(declaration)]));
  backend.run(await backend.bind(program, tensors));
  await backend.finish();
  for (const tensor of tensors.values()) backend.release(tensor);
}

const SIZES = (['f32', 'f16'] as const).flatMap((precision) =>
  [...REAL_SIZES, ...(precision === 'f16' ? LARGE_SIZES : [])].map(
    ([name, ...size]) => [`${name} in ${precision}`, ...size, precision] as const,
  ),
);

it.each(SIZES)(
  'every dispatch of %s is valid on a device with the least limits',
  async (_, config, microBatch, precision) => {
    const rehearsed = new Set<string>();
    for (const program of realSizePrograms(config, microBatch, precision)) {
      const operations = program.steps.filter((step): step is Operation => 'kernel' in step);
      const fitting = operations.flatMap((operation) => {
        return fitProgram({ ...program, steps: [operation] }, bindingBytesOf(program, operation)).steps;
      });
      for (const step of fitting as Operation[]) {
        const single = alone(step, program);
        const key = JSON.stringify([step.kernel, step.dims, single.tensors.map(({ shape }) => shape)]);
        if (rehearsed.has(key)) continue;
        rehearsed.add(key);
        await rehearse(single);
      }
    }
    expect(rehearsed.size).toBeGreaterThan(40);
    // What is left is one buffer for all products that are split.
    expect([0, 4 * PARTIAL_SUMS_MAX]).toContain(backend.allocatedBytes());
  },
  240_000,
);
