import {
  type Dims,
  type KernelName,
  KERNELS,
  type Operation,
  type Program,
  sumOfSquaresPartials,
  withDerivedInputs,
} from '@millrace/kernels';
import { backendOfSuite, testBackends } from '@millrace/testing';
import { DTYPE_BYTES, elementCount, tensorOf, viewOf } from '@millrace/tensor';
import { describe, expect, it } from 'vitest';
import type { Backend, DeviceTensor } from '../backend';
import type { HostArray } from '../host-array';
import { elementsUsed } from './binding-use';
import { fitProgram } from './fit-program';

interface Case {
  readonly kernel: KernelName;
  readonly dims: Dims;
  /** Bytes of a tensor that may be bound at once. */
  readonly limit: number;
  readonly parts: number;
}

const SQUARES = { L: 72_061, P: sumOfSquaresPartials(72_061) };
/** A table of 201 rows of 60: ranges of it begin at multiples of 16 rows, columns of logits at multiples of 64. */
const CASES: readonly Case[] = [
  { kernel: 'flash_attention_forward', dims: { B: 5, T: 32, H: 2, G: 1, D: 8 }, limit: 10_000, parts: 3 },
  { kernel: 'flash_attention_inner', dims: { B: 5, T: 32, H: 2, D: 8 }, limit: 5_000, parts: 3 },
  { kernel: 'flash_attention_backward', dims: { B: 5, T: 32, H: 2, G: 1, D: 8 }, limit: 10_000, parts: 3 },
  { kernel: 'embedding_forward', dims: { B: 2, T: 21, C: 60, V: 201 }, limit: 20_000, parts: 3 },
  { kernel: 'embedding_forward_token', dims: { B: 2, T: 21, C: 60, V: 201 }, limit: 20_000, parts: 3 },
  {
    kernel: 'embedding_backward_token',
    dims: { B: 2, T: 21, C: 60, V: 201, N: 42, accumulate: 1 },
    limit: 20_000,
    parts: 3,
  },
  { kernel: 'matmul_nt', dims: { M: 21, K: 60, N: 201 }, limit: 20_000, parts: 4 },
  { kernel: 'matmul_nt', dims: { M: 21, K: 60, N: 204, accumulate: 1 }, limit: 20_000, parts: 4 },
  // Both too many logits and too large a table: rows first, then columns.
  { kernel: 'matmul_nt', dims: { M: 150, K: 60, N: 136 }, limit: 30_000, parts: 12 },
  { kernel: 'matmul_nn', dims: { M: 21, K: 201, N: 60, bias: 1, residual: 1 }, limit: 20_000, parts: 4 },
  { kernel: 'matmul_nn', dims: { M: 21, K: 204, N: 60 }, limit: 20_000, parts: 4 },
  { kernel: 'matmul_nn', dims: { M: 200, K: 60, N: 40, residual: 1, accumulate: 1 }, limit: 20_000, parts: 3 },
  { kernel: 'matmul_tn', dims: { M: 201, K: 21, N: 60, accumulate: 1 }, limit: 20_000, parts: 4 },
  { kernel: 'matmul_tn', dims: { M: 204, K: 21, N: 60 }, limit: 20_000, parts: 4 },
  { kernel: 'cross_entropy_forward', dims: { N: 300, V: 33 }, limit: 9_000, parts: 5 },
  { kernel: 'cross_entropy_backward', dims: { N: 300, V: 33 }, limit: 9_000, parts: 5 },
  { kernel: 'cross_entropy_gradient', dims: { N: 300, V: 33, first: 7 }, limit: 9_000, parts: 5 },
  { kernel: 'layernorm_forward', dims: { N: 300, C: 40, eps: 1e-5 }, limit: 20_000, parts: 5 },
  { kernel: 'rmsnorm_backward_input', dims: { N: 300, C: 40, residual: 1 }, limit: 20_000, parts: 5 },
  { kernel: 'rope_forward', dims: { B: 5, T: 16, H: 2, G: 1, D: 4 }, limit: 2_048, parts: 3 },
  { kernel: 'sum_of_squares', dims: SQUARES, limit: 264_000, parts: 2 },
  { kernel: 'adamw', dims: { L: 10_007, decay: 1 }, limit: 20_000, parts: 3 },
  { kernel: 'add', dims: { L: 10_007 }, limit: 20_000, parts: 3 },
  { kernel: 'narrow', dims: { L: 10_007 }, limit: 20_000, parts: 3 },
  { kernel: 'widen', dims: { L: 10_007 }, limit: 20_000, parts: 3 },
];

/** Sums that are cut, and added one after the other. */
const ROUNDED: readonly Case[] = [
  { kernel: 'matmul_nn', dims: { M: 21, K: 201, N: 60, accumulate: 1 }, limit: 20_000, parts: 4 },
  { kernel: 'matmul_tn', dims: { M: 60, K: 300, N: 40, accumulate: 1 }, limit: 20_000, parts: 4 },
  { kernel: 'matmul_tn', dims: { M: 60, K: 300, N: 40 }, limit: 20_000, parts: 4 },
  { kernel: 'bias_backward', dims: { N: 300, C: 40 }, limit: 20_000, parts: 3 },
  { kernel: 'layernorm_backward_weight', dims: { N: 300, C: 40, accumulate: 1 }, limit: 20_000, parts: 5 },
  { kernel: 'rmsnorm_backward_weight', dims: { N: 300, C: 40, accumulate: 1 }, limit: 20_000, parts: 5 },
  { kernel: 'embedding_backward_position', dims: { B: 9, T: 16, C: 12, accumulate: 1 }, limit: 3_000, parts: 3 },
  {
    kernel: 'embedding_backward_token',
    dims: { B: 9, T: 16, C: 12, V: 11, N: 144, accumulate: 1 },
    limit: 3_000,
    parts: 3,
  },
];

function programOf({ kernel, dims }: Case): Program {
  const { bindings } = KERNELS[kernel];
  const sizeOf = (name: string): number =>
    kernel === 'sum_of_squares' && name === 'x_L'
      ? SQUARES.L
      : elementsUsed(
          bindings.find((b) => b.name === name)!,
          dims,
        );
  return {
    name: kernel,
    tensors: bindings.map(({ name, dtype }) => ({ name, shape: [sizeOf(name)], dtype, role: 'scratch' })),
    steps: [{ kernel, dims, tensors: Object.fromEntries(bindings.map(({ name }) => [name, name])) }],
  };
}

function values({ declaration }: DeviceTensor, dims: Dims): HostArray {
  const count = elementCount(declaration.shape);
  const noise = (index: number): number => Math.imul(index + 1, 0x9e3779b1) >>> 0;
  if (declaration.dtype === 'u32') {
    return Uint32Array.from({ length: count }, (_, index) => noise(index) % (dims['V'] ?? 1));
  }
  return Float32Array.from({ length: count }, (_, index) => (1 + noise(index)) / 2 ** 32);
}

async function resultOf(backend: Backend, program: Program, { kernel, dims }: Case): Promise<HostArray[]> {
  const tensors = new Map(program.tensors.map((declaration) => [declaration.name, backend.allocate(declaration)]));
  const made = Object.fromEntries([...tensors].map(([name, tensor]) => [name, values(tensor, dims)]));
  const written = withDerivedInputs(KERNELS[kernel], made);
  for (const [name, tensor] of tensors) backend.write(tensor, written[name]!);
  backend.run(await backend.bind(program, tensors));
  const outputs = KERNELS[kernel].bindings.filter(({ access }) => access === 'read_write');
  const arrays = await backend.readAll(outputs.map(({ name }) => tensors.get(name)!));
  for (const tensor of tensors.values()) backend.release(tensor);
  return arrays;
}

/** The bytes of the largest thing that is bound. */
function largestBinding({ tensors, steps }: Program): number {
  const declarations = new Map(tensors.map((declaration) => [declaration.name, declaration]));
  const bytes = steps.flatMap((step) =>
    Object.values((step as Operation).tensors).map((ref) => {
      const { shape, dtype } = declarations.get(tensorOf(ref))!;
      return viewOf(ref, shape).length * DTYPE_BYTES[dtype];
    }),
  );
  return Math.max(...bytes);
}

describe.each(testBackends(process.env))('on the $kind backend an operation on too large a tensor', ({ open }) => {
  const backend = backendOfSuite(open);

  it.each(ROUNDED)(
    'computes the same but for rounding in parts: $kernel $dims',
    { timeout: 120_000 },
    async (example) => {
      const whole = programOf(example);
      const cut = fitProgram(whole, example.limit);
      expect(cut.steps).toHaveLength(example.parts);
      expect(largestBinding(cut)).toBeLessThanOrEqual(example.limit);
      const actual = await resultOf(backend(), cut, example);
      for (const [index, expected] of (await resultOf(backend(), whole, example)).entries()) {
        const largest = Math.max(...expected);
        expected.forEach((value, at) => expect(Math.abs(actual[index]![at]! - value) / largest).toBeLessThan(2e-6));
      }
    },
  );

  it.each(CASES)('computes the same bits in parts: $kernel $dims', { timeout: 120_000 }, async (example) => {
    const whole = programOf(example);
    const cut = fitProgram(whole, example.limit);
    expect(cut.steps).toHaveLength(example.parts);
    expect(largestBinding(whole)).toBeGreaterThan(example.limit);
    expect(largestBinding(cut)).toBeLessThanOrEqual(example.limit);
    expect(await resultOf(backend(), cut, example)).toEqual(await resultOf(backend(), whole, example));
  });
});

it('leaves what fits as it is', () => {
  const program = programOf(CASES[0]!);
  const fitting = fitProgram(program, largestBinding(program));
  expect(fitting).toEqual(program);
  expect(fitting.steps[0]).toBe(program.steps[0]);
});

it('binds little of a tensor that a kernel leaves unread', () => {
  const example: Case = { kernel: 'matmul_nn', dims: { M: 2, K: 4, N: 4 }, limit: 1000, parts: 1 };
  const program = programOf(example);
  const [step] = program.steps as Operation[];
  const tensors = [...program.tensors, { name: 'large', shape: [1000], dtype: 'f32', role: 'scratch' } as const];
  const unread = { ...step!, tensors: { ...step!.tensors, bias_N: 'large', residual_MN: 'large' } };
  const [fitting] = fitProgram({ ...program, tensors, steps: [unread] }, example.limit).steps as Operation[];
  const short = { tensor: 'large', offset: 0, length: 64 };
  expect(fitting?.tensors).toMatchObject({ a_MK: 'a_MK', bias_N: short, residual_MN: short });
});

it('cuts nothing that a kernel leaves unread, which may be shorter than its name says', () => {
  const example: Case = { kernel: 'matmul_nn', dims: { M: 200, K: 64, N: 400 }, limit: 120_000, parts: 3 };
  const program = programOf(example);
  const [step] = program.steps as Operation[];
  const unread = { ...step!, tensors: { ...step!.tensors, bias_N: 'a_MK', residual_MN: 'a_MK' } };
  const steps = fitProgram({ ...program, steps: [unread] }, example.limit).steps as Operation[];
  expect(steps).toHaveLength(example.parts);
  for (const { tensors } of steps) {
    const short = { tensor: 'a_MK', offset: 0, length: 64 };
    expect(tensors).toMatchObject({ residual_MN: short, bias_N: short });
  }
});

it('says what uses too much of a tensor if it cannot be cut', () => {
  // Rows of the table that begin where a binding may would be larger than the limit.
  const example: Case = { kernel: 'matmul_nt', dims: { M: 21, K: 60, N: 201 }, limit: 3_000, parts: 0 };
  expect(() => fitProgram(programOf(example), example.limit)).toThrowError(
    expect.objectContaining({
      code: 'RUNTIME.BINDING_TOO_LARGE',
      message:
        "kernel matmul_nt uses 5040 bytes of tensor a_MK at once, but this adapter's maxStorageBufferBindingSize " +
        'is 3000; take a smaller train.batch.micro, context, vocab or hidden, or another adapter',
    }),
  );
});
