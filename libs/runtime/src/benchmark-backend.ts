import type { Clock } from '@millrace/core';
import type { Operation, Program, TensorDeclaration } from '@millrace/kernels';
import type { Backend, BoundProgram } from './backend';

export interface BackendSpeed {
  readonly matmulGflops: number;
  /** Bytes that kernels read and write, in 1e9 per second. */
  readonly memoryGBps: number;
}

/** Long enough that the cost of a submission does not count, and short enough for an agent's start. */
const MEASURED_MS_MIN = 60;
const REPEATS_MAX = 4096;

interface Case {
  readonly program: Program;
  /** Operations or bytes of one run. */
  readonly work: number;
}

function oneOperation(operation: Operation, shapes: Readonly<Record<string, readonly number[]>>): Program {
  const tensors = Object.entries(shapes).map(([name, shape]): TensorDeclaration => {
    return { name, shape, dtype: 'f32', role: 'scratch' };
  });
  return { name: `benchmark-${operation.kernel}`, tensors, steps: [operation] };
}

function matmulCase(size: number): Case {
  const dims = { M: size, K: size, N: size, bias: 0, residual: 0, accumulate: 0 };
  const operation: Operation = {
    kernel: 'matmul_nn',
    dims,
    tensors: { a_MK: 'a_MK', b_KN: 'b_KN', bias_N: 'a_MK', residual_MN: 'a_MK', c_MN: 'c_MN' },
  };
  const shape = [size, size];
  return { program: oneOperation(operation, { a_MK: shape, b_KN: shape, c_MN: shape }), work: 2 * size ** 3 };
}

function addCase(count: number): Case {
  const operation: Operation = { kernel: 'add', dims: { L: count }, tensors: { a_L: 'a_L', b_L: 'b_L', y_L: 'y_L' } };
  return { program: oneOperation(operation, { a_L: [count], b_L: [count], y_L: [count] }), work: 3 * 4 * count };
}

interface Timing {
  readonly repeats: number;
  readonly clock: Clock;
}

async function timeRuns(backend: Backend, program: BoundProgram, { repeats, clock }: Timing): Promise<number> {
  const start = clock.monotonicMs();
  for (let index = 0; index < repeats; index++) backend.run(program);
  await backend.finish();
  return clock.monotonicMs() - start;
}

/** Work per second in 1e9, from as many runs as a measurement of MEASURED_MS_MIN needs. */
async function measure(backend: Backend, { program, work }: Case, clock: Clock): Promise<number> {
  const tensors = new Map(program.tensors.map((tensor) => [tensor.name, backend.allocate(tensor)]));
  const bound = await backend.bind(program, tensors);
  await timeRuns(backend, bound, { repeats: 1, clock });
  let repeats = 1;
  let elapsedMs = await timeRuns(backend, bound, { repeats, clock });
  while (elapsedMs < MEASURED_MS_MIN && repeats < REPEATS_MAX) {
    repeats *= 2;
    elapsedMs = await timeRuns(backend, bound, { repeats, clock });
  }
  for (const tensor of tensors.values()) backend.release(tensor);
  return (work * repeats) / elapsedMs / 1e6;
}

/** A short measurement of a device: its f32 matrix product and its streaming addition. It takes about half a second. */
export async function benchmarkBackend(backend: Backend, clock: Clock): Promise<BackendSpeed> {
  const small = backend.kind === 'cpu';
  return {
    matmulGflops: await measure(backend, matmulCase(small ? 64 : 512), clock),
    memoryGBps: await measure(backend, addCase(small ? 1 << 16 : 1 << 22), clock),
  };
}
