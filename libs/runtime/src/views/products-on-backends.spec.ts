import { systemClock } from '@millrace/core';
import {
  fuseProducts,
  type Operation,
  PARTIAL_SUMS,
  PARTIAL_SUMS_MAX,
  type Program,
  splitProducts,
} from '@millrace/kernels';
import { openTestBackend } from '@millrace/testing';
import { expect, it } from 'vitest';
import type { Backend } from '../backend';
import { openCpuBackend } from '../cpu/cpu-backend';
import type { HostArray } from '../host-array';
import { openNullBackend } from '../webgpu/open-null-backend';

const [M, N] = [20, 24];

/** c = a b + bias + residual + c, and then d = aᵀ of it: parts of two products follow one another. */
function programOf(K: number): Program {
  const shapes = { a: [M, K], b: [K, N], bias: [N], residual: [M, N], c: [M, N], x: [K, M], y: [K, N], d: [M, N] };
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    return { name, shape, dtype: 'f32', role: 'scratch' } as const;
  });
  const steps: Operation[] = [
    {
      kernel: 'matmul_nn',
      dims: { M, K, N, bias: 1, residual: 1, accumulate: 1 },
      tensors: { a_MK: 'a', b_KN: 'b', bias_N: 'bias', residual_MN: 'residual', c_MN: 'c' },
    },
    { kernel: 'matmul_tn', dims: { M, K, N, accumulate: 0 }, tensors: { a_KM: 'x', b_KN: 'y', c_MN: 'd' } },
  ];
  return { name: 'products', tensors, steps };
}

async function results(backend: Backend, program: Program): Promise<HostArray[]> {
  const tensors = new Map(program.tensors.map((declaration) => [declaration.name, backend.allocate(declaration)]));
  [...tensors.values()].forEach((tensor, salt) => {
    if (tensor.declaration.name === PARTIAL_SUMS) return;
    const count = tensor.declaration.shape.reduce((product, size) => product * size, 1);
    backend.write(
      tensor,
      Float32Array.from({ length: count }, (_, index) => Math.sin(12.9898 * (index + 1) + salt)),
    );
  });
  backend.run(await backend.bind(program, tensors));
  const values = await backend.readAll([tensors.get('c')!, tensors.get('d')!]);
  for (const tensor of tensors.values()) backend.release(tensor);
  return values;
}

function expectNear(actual: readonly HostArray[], expected: readonly HostArray[], tolerance: number): void {
  expected.forEach((values, tensor) => {
    const differences = Array.from(values, (value, index) => Math.abs(value - actual[tensor]![index]!));
    expect(Math.max(...differences)).toBeLessThan(tolerance);
  });
}

const whole = programOf(600);
const split = splitProducts(whole, { adapterClass: 'gpu' });

it('split products are the products, in doubles', async () => {
  expect(split.steps).toHaveLength(4);
  const backend = openCpuBackend();
  expectNear(await results(backend, split), await results(backend, whole), 1e-11);
});

it('split products are near their twins on an adapter', async ({ skip }) => {
  const backend = await openTestBackend(process.env);
  if (backend === undefined) return skip('no adapter');
  expectNear(await results(backend, split), await results(openCpuBackend(), whole), 1e-3);
  backend.destroy();
});

/** h = gelu(x w + b), large enough for a GPU's tiles. */
function feedForward(): Program {
  const sizes = { M: 768, K: 20, N: 704 };
  const shapes = { x: [768, 20], w: [20, 704], bias: [704], c: [768, 704], d: [768, 704] };
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    return { name, shape, dtype: 'f32', role: 'scratch' } as const;
  });
  const steps: Operation[] = [
    {
      kernel: 'matmul_nn',
      dims: { ...sizes, bias: 1, residual: 0, accumulate: 0 },
      tensors: { a_MK: 'x', b_KN: 'w', bias_N: 'bias', residual_MN: 'x', c_MN: 'c' },
    },
    { kernel: 'gelu_forward', dims: { L: 768 * 704 }, tensors: { x_L: 'c', y_L: 'd' } },
  ];
  return { name: 'feed-forward', tensors, steps };
}

it('a joined product and GELU are the two, in doubles', async () => {
  const limits = { maxWorkgroupSize: 256, maxWorkgroupsPerDimension: 65_535, subgroups: false };
  const joined = fuseProducts(feedForward(), { target: { adapterClass: 'gpu', ...limits }, isBound: () => true });
  expect(joined.steps).toHaveLength(1);
  expect(await results(openCpuBackend(), joined)).toEqual(await results(openCpuBackend(), feedForward()));
});

/** c = a bᵀ + residual, in one launch or in two. */
function residualSum(isJoined: boolean): Program {
  const shapes = { a: [M, 44], b: [N, 44], r: [M, N], product: [M, N], c: [M, N], d: [1] };
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    return { name, shape, dtype: 'f32', role: 'scratch' } as const;
  });
  const product = (residual: 0 | 1, c_MN: string): Operation => {
    const dims = { M, K: 44, N, residual, accumulate: 0 };
    return { kernel: 'matmul_nt', dims, tensors: { a_MK: 'a', b_NK: 'b', residual_MN: 'r', c_MN } };
  };
  const add: Operation = { kernel: 'add', dims: { L: M * N }, tensors: { a_L: 'r', b_L: 'product', y_L: 'c' } };
  return { name: 'sum', tensors, steps: isJoined ? [product(1, 'c')] : [product(0, 'product'), add] };
}

it('a residual that a product adds gives the bits of a sum after it', async ({ skip }) => {
  const backend = await openTestBackend(process.env);
  if (backend === undefined) return skip('no adapter');
  expect(await results(backend, residualSum(true))).toEqual(await results(backend, residualSum(false)));
  backend.destroy();
});

it('a device of least limits takes joined products', async () => {
  const backend = await openNullBackend(systemClock);
  await results(backend, feedForward());
  await backend.finish();
  backend.destroy();
});

it('a device of least limits takes split products, and keeps one tensor for the sums of all', async () => {
  const backend = await openNullBackend(systemClock);
  expect(backend.target.adapterClass).toBe('gpu');
  await results(backend, whole);
  await results(backend, programOf(4096));
  await backend.finish();
  expect(backend.allocatedBytes()).toBe(4 * PARTIAL_SUMS_MAX);
  backend.destroy();
});
