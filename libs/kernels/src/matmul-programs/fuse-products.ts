import type { TensorRef } from '@millrace/tensor';
import { tensorOf } from '@millrace/tensor';
import type { KernelTarget } from '../kernel';
import { gpuTile } from '../matmul/gpu-tiles';
import type { Operation, Program, ProgramStep } from '../program';

/** A product and the operation after it, as one: what the second binds to the product, and what else it reads. */
interface Fusion {
  readonly kernel: Operation['kernel'];
  readonly product: string;
  readonly second: string;
  /** The second's binding of the product. */
  readonly c: string;
  /** The other one that it reads, and what the fused operation calls it. */
  readonly other?: readonly [binding: string, name: string];
  /** Flags of the product that the fused one has as well; the others must be 0. */
  readonly flags: readonly string[];
  readonly factors: readonly string[];
}

const FUSIONS: readonly Fusion[] = [
  {
    kernel: 'matmul_nn_gelu',
    product: 'matmul_nn',
    second: 'gelu_forward',
    c: 'x_L',
    flags: ['bias'],
    factors: ['a_MK', 'b_KN', 'bias_N'],
  },
  {
    kernel: 'matmul_nt_swiglu',
    product: 'matmul_nt',
    second: 'swiglu_forward',
    c: 'up_L',
    other: ['gate_L', 'gate_MN'],
    flags: [],
    factors: ['a_MK', 'b_NK'],
  },
];

interface Limits {
  readonly target: KernelTarget;
  /** Whether what a reference means can be bound whole. */
  isBound(ref: TensorRef): boolean;
}

function fusedOperation(product: Operation, second: Operation, { target, isBound }: Limits): Operation | undefined {
  const fusion = FUSIONS.find((each) => each.product === product.kernel && each.second === second.kernel);
  if (fusion === undefined) return undefined;
  const { M, K, N, ...flags } = product.dims;
  const sizes = { M: M!, K: K!, N: N! };
  const hasOthers = Object.entries(flags).some(([name, value]) => value !== 0 && !fusion.flags.includes(name));
  const c_MN = product.tensors['c_MN']!;
  const isOfProduct = second.tensors[fusion.c] === c_MN && second.dims['L'] === sizes.M * sizes.N;
  if (hasOthers || !isOfProduct || gpuTile(sizes, target) === undefined) return undefined;
  const reads = Object.fromEntries(fusion.factors.map((name) => [name, product.tensors[name]!]));
  if (fusion.other !== undefined) reads[fusion.other[1]] = second.tensors[fusion.other[0]]!;
  const y_MN = second.tensors['y_L']!;
  const tensors = { ...reads, c_MN, y_MN };
  const names = Object.values(tensors).map(tensorOf);
  // A dispatch may not read a tensor that it writes, nor bind one twice to write it.
  const isApart = [c_MN, y_MN].every((ref) => names.filter((name) => name === tensorOf(ref)).length === 1);
  if (!isApart || !Object.values(tensors).every(isBound)) return undefined;
  const kept = Object.fromEntries(fusion.flags.map((name) => [name, flags[name] ?? 0]));
  return { kernel: fusion.kernel, dims: { ...sizes, ...kept }, tensors };
}

/**
 * Joins a GPU's large product with the GELU or the SwiGLU that reads its result next: the second operation's read is
 * saved. Both tensors are written as before, of the same values.
 */
export function fuseProducts(program: Program, limits: Limits): Program {
  if (limits.target.adapterClass === 'cpu') return program;
  const steps: ProgramStep[] = [];
  for (const step of program.steps) {
    const before = steps.at(-1);
    const isPair = before !== undefined && !('clear' in before) && !('clear' in step);
    const one = isPair ? fusedOperation(before, step, limits) : undefined;
    if (one === undefined) steps.push(step);
    else steps.splice(-1, 1, one);
  }
  return { ...program, steps };
}
