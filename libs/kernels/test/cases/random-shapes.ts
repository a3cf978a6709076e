import { type Dims, HALF_FORMS, type HalfKernelName, sumOfSquaresPartials } from '../../src';
import type { ConformanceCase } from './conformance-case';

/** Letters of sizes as in libs/model. What is drawn is the same in every run. */

const EPSILON = 2 ** -23;
/** Of models that are trained, and primes. */
const HEAD_SIZES = [40, 64, 80, 96, 128, 256, 41, 97, 131, 251];
const PRIMES = [2, 3, 5, 7, 11, 13, 17, 23, 31, 37, 53, 61, 71, 89, 97, 113, 127, 151, 181, 211, 251];
const FLAGS = new Set(['bias', 'residual', 'accumulate', 'decay']);

/** What makes an operation a part of another, by numbers that depend on its sizes. */
const PARTIAL = new Set(['stride', 'run', 'firstRow', 'continued']);

interface Group {
  readonly kernels: RegExp;
  /** By how many operations one after the other a result is rounded; without it, a few. */
  terms?(dims: Record<string, number>): number;
  /** The bound is c · sqrt(terms) · eps, eps = 2^-23. */
  readonly c: number;
  /** What the sizes of these kernels keep to, of those that were drawn one by one. */
  shape?(dims: Record<string, number>, draw: Draw): Dims;
}

const groupOf = ({ H = 1, G = H }: Record<string, number>): number => H / G;

function rotary(dims: Record<string, number>, draw: Draw): Dims {
  const D = 2 * Math.ceil(draw.among(HEAD_SIZES) / 2);
  return { ...heads(dims, draw), D };
}

function heads(dims: Record<string, number>, draw: Draw): Dims {
  const G = 1 + draw.below(3);
  return { ...dims, B: 1 + draw.below(2), T: draw.size(40), G, H: G * (1 + draw.below(3)), D: draw.among(HEAD_SIZES) };
}

function gradientOfTokens({ V = 1, C = 1, ...dims }: Record<string, number>, draw: Draw): Dims {
  const [B, T] = [1 + draw.below(3), draw.size(60)];
  return { ...dims, C, V, B, T, N: B * T };
}

/** In the order in which they are tried. */
const GROUPS: readonly Group[] = [
  {
    kernels: /^matmul_.*_parts$/,
    ...{ terms: ({ K = 1 }) => K, c: 2 },
    shape: (dims, draw) => {
      const partK = 16 * (1 + draw.below(3));
      // All parts of a product are one launch, of at most 3600 workgroups on the tested device.
      return { ...dims, M: draw.size(100), N: draw.size(100), partK, P: Math.ceil(dims['K']! / partK) };
    },
  },
  { kernels: /^matmul_parts_sum$/, terms: ({ P = 1 }) => P, c: 4 },
  { kernels: /^matmul_/, terms: ({ K = 1 }) => K, c: 4 },
  { kernels: /^(bias_backward|\w+norm_backward_weight)$/, terms: ({ N = 1 }) => N, c: 4 },
  { kernels: /^\w+norm_/, terms: ({ C = 1 }) => C, c: 8 },
  {
    kernels: /^cross_entropy_gradient$/,
    c: 32,
    shape: (dims) => ({ ...dims, first: Math.floor(dims['V']! / 3) }),
  },
  { kernels: /^cross_entropy_/, terms: ({ V = 1 }) => V, c: 8 },
  { kernels: /^rope_/, c: 2, shape: rotary },
  { kernels: /^attention_scores/, terms: ({ D = 1 }) => D, c: 4, shape: heads },
  { kernels: /^attention_(key|value)_/, terms: (dims) => dims['T']! * groupOf(dims), c: 4, shape: heads },
  { kernels: /^attention_/, terms: ({ T = 1 }) => T, c: 8, shape: heads },
  { kernels: /attention_/, terms: ({ T = 1, D = 1, ...dims }) => T * groupOf(dims) + D, c: 16, shape: heads },
  {
    kernels: /^embedding_backward_token$/,
    ...{ terms: ({ N = 1 }) => N, c: 4 },
    shape: gradientOfTokens,
  },
  { kernels: /^embedding_backward_position$/, terms: ({ B = 1 }) => B, c: 4 },
  {
    kernels: /^sum_of_squares$/,
    ...{ terms: ({ L = 1 }) => L, c: 2 },
    shape: ({ L = 1 }) => ({ L: 37 * L, P: sumOfSquaresPartials(37 * L) }),
  },
  { kernels: /^sum_of_squares_packed$/, terms: ({ L = 1 }) => L, c: 2 },
  { kernels: /^multiply_add$/, terms: ({ R = 1 }) => R, c: 16 },
  { kernels: /^dropout$/, c: 2 },
  { kernels: /./, c: 32 },
];

class Draw {
  constructor(private readonly uniform: () => number) {}

  below(end: number): number {
    return Math.floor(this.uniform() * end);
  }

  among(values: readonly number[]): number {
    return values[this.below(values.length)]!;
  }

  /** Every other is a prime. */
  size(max: number): number {
    return this.uniform() < 0.5 ? this.among(PRIMES.filter((prime) => prime <= max)) : 1 + this.below(max);
  }
}

const SIZE_MAX = 260;

function nameOf({ kernel }: ConformanceCase): string {
  return HALF_FORMS[kernel as HalfKernelName]?.of ?? kernel;
}

function groupFor(testCase: ConformanceCase): Group {
  return GROUPS.find(({ kernels }) => kernels.test(nameOf(testCase)))!;
}

/** Sizes are drawn for the letters of the kernel's own cases, flags as they come; the rest is as there. */
export function randomShapes(testCase: ConformanceCase, count: number, uniform: () => number): Dims[] {
  const draw = new Draw(uniform);
  const { shape } = groupFor(testCase);
  return Array.from({ length: count }, () => {
    const like = testCase.dims[draw.below(testCase.dims.length)]!;
    const names = Object.entries(like).filter(([name]) => !PARTIAL.has(name));
    const drawn = names.map(([name, value]) => {
      if (FLAGS.has(name)) return [name, draw.below(2)];
      return [name, /^[BCKLMNTV]$/.test(name) ? draw.size(name === 'B' ? 3 : SIZE_MAX) : value];
    });
    const dims = Object.fromEntries(drawn) as Record<string, number>;
    return shape?.(dims, draw) ?? dims;
  });
}

/** The largest error allowed in f32, as a part of the largest entry of the twin's tensor. */
export function statedBound(testCase: ConformanceCase, dims: Dims): number {
  if (testCase.tolerance(dims) === 0) return 0;
  const { c, terms } = groupFor(testCase);
  return c * Math.sqrt(Math.max(1, terms?.({ ...dims }) ?? 1)) * EPSILON;
}
