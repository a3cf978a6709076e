import type { Dims, KernelName } from '../../src';

/** What a binding's test data looks like; without an entry it is uniform in [-1, 1). */
export type Filling =
  // Every power of two that f16 has and some below, subnormal ones among them.
  | 'scales'
  | 'token'
  | 'target'
  | 'word'
  | 'probability'
  | 'positive'
  | 'small'
  | 'hyper'
  | 'sgd'
  | 'wide'
  | 'lse'
  | 'row-lse'
  | 'range';

export interface ConformanceCase {
  readonly kernel: KernelName;
  readonly dims: readonly Dims[];
  /** Elements of every binding. */
  sizes(dims: Record<string, number>): Record<string, number>;
  /** Indices of the shapes for which a software driver compiles the shaders of GPUs too; by default 1. */
  readonly gpuShapes?: readonly number[];
  readonly fillings?: Readonly<Record<string, Filling>>;
  /** Largest error allowed, as a fraction of the largest entry of the twin's tensor. */
  tolerance(dims: Record<string, number>): number;
  /** Errors are not measured against less than this: for results that cancel. */
  readonly scaleMin?: number;
  /** Bindings whose [T,T] squares are defined on and below the diagonal alone. */
  readonly triangular?: readonly string[];
  /** A form of another kernel, which has the same cases. */
  readonly isHalf?: boolean;
}
