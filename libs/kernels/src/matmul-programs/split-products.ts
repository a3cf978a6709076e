import { assert } from '@millrace/core';
import { dimension } from '../dimension';
import type { Dims, KernelTarget } from '../kernel';
import type { Operation, Program, ProgramStep, TensorDeclaration } from '../program';
import type { KernelName } from '../registry';
import { SLAB, TILES_MIN, tileCount } from '../matmul/gpu-tiles';

/** The tensor that a split program has besides its own: sums of parts, which the next step reads. */
export const PARTIAL_SUMS = 'partial-sums';
/** Its elements: the tiles of all parts are fewer than three times TILES_MIN. */
export const PARTIAL_SUMS_MAX = 3 * TILES_MIN * 64 * 64;

/** A part of fewer products costs more to add than it brings. */
const PART_K_MIN = 256;
/** Each factor is bound whole. */
const FACTOR_ELEMENTS_MAX = (128 * 1024 * 1024) / 4;

/** The kernels that a product is split into: of its parts, which are f32, and of their sum, as it stores its own. */
const PARTS = {
  matmul_nn: ['matmul_nn_parts', 'matmul_parts_sum'],
  matmul_nt: ['matmul_nt_parts', 'matmul_parts_sum'],
  matmul_tn: ['matmul_tn_parts', 'matmul_parts_sum'],
  matmul_nn_f16: ['matmul_nn_parts_f16', 'matmul_parts_sum_f16'],
  matmul_nt_f16: ['matmul_nt_parts_f16', 'matmul_parts_sum_f16'],
  matmul_tn_f16: ['matmul_tn_parts_f16', 'matmul_parts_sum'],
} as const satisfies Partial<Record<KernelName, readonly KernelName[]>>;

function isProduct(kernel: KernelName): kernel is keyof typeof PARTS {
  return kernel in PARTS;
}

/**
 * The products of a part, or undefined for a product that stays whole. It depends on the shape alone, because it
 * changes how sums round: two tiles for each that keeps a large GPU busy, if K has that many parts.
 */
function partLength(dims: Dims): number | undefined {
  const [M, K, N] = [dimension(dims, 'M'), dimension(dims, 'K'), dimension(dims, 'N')];
  const tiles = tileCount(dims, { rows: 64, columns: 64 });
  const isBound = Math.max(M, N) * K <= FACTOR_ELEMENTS_MAX;
  if (dims['stride'] !== undefined || dims['continued'] === 1 || tiles >= TILES_MIN || !isBound) return undefined;
  const count = Math.min(Math.ceil((2 * TILES_MIN) / tiles), Math.floor(K / PART_K_MIN));
  return count < 2 ? undefined : Math.ceil(K / count / SLAB) * SLAB;
}

function split(operation: Operation, product: keyof typeof PARTS, partK: number): Operation[] {
  const { dims, tensors } = operation;
  const [M, K, N] = [dimension(dims, 'M'), dimension(dims, 'K'), dimension(dims, 'N')];
  const [partsKernel, sumKernel] = PARTS[product];
  const P = Math.ceil(K / partK);
  assert(P * M * N <= PARTIAL_SUMS_MAX, `${P} parts of ${M} x ${N} sums exceed ${PARTIAL_SUMS_MAX}`);
  const parts_PMN = { tensor: PARTIAL_SUMS, offset: 0, length: P * M * N };
  const { c_MN, bias_N, residual_MN, ...factors } = tensors;
  const { bias = 0, residual = 0, accumulate = 0 } = dims;
  // Without their flags, bias and residual are bound to what is read.
  const [unread] = Object.values(factors);
  return [
    { kernel: partsKernel, dims: { M, K, N, P, partK }, tensors: { ...factors, parts_PMN } },
    {
      kernel: sumKernel,
      dims: { M, N, P, bias, residual, accumulate },
      tensors: { parts_PMN, bias_N: bias_N ?? unread!, residual_MN: residual_MN ?? unread!, c_MN: c_MN! },
    },
  ];
}

/**
 * Splits the products that have too few tiles for a GPU into parts of K, which are added in ascending order by a step
 * of their own. Which ones depends on shape and kind of adapter alone. A program with such a product has the tensor
 * PARTIAL_SUMS besides its own.
 */
export function splitProducts(program: Program, { adapterClass }: Pick<KernelTarget, 'adapterClass'>): Program {
  if (adapterClass === 'cpu') return program;
  const steps = program.steps.flatMap((step): ProgramStep[] => {
    if ('clear' in step || !isProduct(step.kernel)) return [step];
    const partK = partLength(step.dims);
    return partK === undefined ? [step] : split(step, step.kernel, partK);
  });
  if (steps.length === program.steps.length) return program;
  const sums: TensorDeclaration = { name: PARTIAL_SUMS, shape: [PARTIAL_SUMS_MAX], dtype: 'f32', role: 'scratch' };
  return { ...program, tensors: [...program.tensors, sums], steps };
}
