import { assert } from '@millrace/core';
import { input, output } from '../binding';
import { dimension } from '../dimension';
import type { AxisCut, Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { sumOfSquaresPackedTwin, sumOfSquaresRun, sumOfSquaresTwin } from './sum-of-squares.cpu';

const CHUNK_MIN = 1024;
const PARTIALS_MAX = 16_384;

/** P of sum_of_squares: a function of the element count alone, so that a norm does not depend on the partition. */
export function sumOfSquaresPartials(L: number): number {
  const chunk = Math.max(CHUNK_MIN, 4 * Math.ceil(L / PARTIALS_MAX / 4));
  return Math.ceil(L / chunk);
}

/** Where a tensor is in the memory of others, in elements. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** The ranges of sum_of_squares_packed: for each tensor those that sum_of_squares adds up by itself. */
export function packedRanges(extents: readonly Extent[]): Uint32Array {
  const ranges = extents.flatMap(({ offset, length }) => {
    const count = sumOfSquaresPartials(length);
    const run = Math.ceil(length / count);
    return Array.from({ length: count }, (_, index) => [
      offset + index * run,
      offset + Math.min(length, (index + 1) * run),
    ]);
  });
  return Uint32Array.from(ranges.flat());
}

function scalar(dims: Dims, target: KernelTarget): KernelVariant {
  const L = dimension(dims, 'L');
  const P = dimension(dims, 'P');
  const CHUNK = sumOfSquaresRun(dims);
  const partials = dims['run'] === undefined ? sumOfSquaresPartials(L) : Math.ceil(L / CHUNK);
  assert(P === partials, `sum_of_squares of ${L} elements has ${partials} partials, not ${P}`);
  return perItem({ wgsl: 'sum_of_squares', overrides: { L, P, CHUNK } }, P, target);
}

/** The partial sums of a part, and the elements that they add, as many for each as in the whole. */
const BY_PARTIAL: AxisCut = {
  axis: 'P',
  rows: { x_L: sumOfSquaresRun },
  part: (dims, { first, end }) => {
    const run = sumOfSquaresRun(dims);
    return { run, L: Math.min(dimension(dims, 'L'), end * run) - first * run };
  },
};

/**
 * P partial sums of x², which the host adds in double. Dims L, P = sumOfSquaresPartials(L); or L, `run`, the elements
 * of each partial sum but the last, and P = ceil(L / run).
 */
export const sumOfSquares: Kernel = {
  name: 'sum_of_squares',
  bindings: [input('x_L'), output('partials_P')],
  variant: scalar,
  reference: scalar,
  flops: (dims) => 2 * dimension(dims, 'L'),
  bytes: (dims) => 4 * (dimension(dims, 'L') + dimension(dims, 'P')),
  cuts: [BY_PARTIAL],
  cpu: sumOfSquaresTwin,
};

function packed(dims: Dims, target: KernelTarget): KernelVariant {
  const P = dimension(dims, 'P');
  return perItem({ wgsl: 'sum_of_squares_packed', overrides: { P } }, P, target);
}

/**
 * The partial sums of many tensors at once. Dims L, the elements of all of them with what is between, and P; ranges_P2
 * = packedRanges of where they are.
 */
export const sumOfSquaresPacked: Kernel = {
  name: 'sum_of_squares_packed',
  bindings: [input('x_L'), input('ranges_P2', 'u32'), output('partials_P')],
  variant: packed,
  reference: packed,
  flops: (dims) => 2 * dimension(dims, 'L'),
  bytes: (dims) => 4 * (dimension(dims, 'L') + 3 * dimension(dims, 'P')),
  cpu: sumOfSquaresPackedTwin,
};
