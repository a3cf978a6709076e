import { assert } from '@millrace/core';
import { input, inputIf, output, strided } from '../binding';
import { dimension, flag } from '../dimension';
import type { AxisCut, Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { accumulatingCut } from '../accumulating-cut';
import { linearWorkgroups, perItem } from '../launch';
import { matmulNnTwin, matmulNtTwin, matmulTnTwin } from './matmul.cpu';

function flops(dims: Dims): number {
  return 2 * dimension(dims, 'M') * dimension(dims, 'K') * dimension(dims, 'N');
}

function bytes(dims: Dims): number {
  const [M, K, N] = [dimension(dims, 'M'), dimension(dims, 'K'), dimension(dims, 'N')];
  const extra = flag(dims, 'bias') * N + (flag(dims, 'residual') + flag(dims, 'accumulate')) * M * N;
  return 4 * (M * K + K * N + M * N + extra);
}

function sizes(dims: Dims): Dims {
  return {
    M: dimension(dims, 'M'),
    K: dimension(dims, 'K'),
    N: dimension(dims, 'N'),
    ACCUMULATE: flag(dims, 'accumulate'),
  };
}

function scalar(layout: Layout): (dims: Dims, target: KernelTarget) => KernelVariant {
  return (dims, target) => {
    const items = dimension(dims, 'M') * dimension(dims, 'N');
    return perItem({ wgsl: `matmul_${layout}_scalar`, overrides: overrides(layout, dims) }, items, target);
  };
}

type Layout = 'nn' | 'nt' | 'tn';

/** The size whose columns may be those of a wider matrix: of a in nn and tn, of c in nt. */
const STRIDED_SIZE: Readonly<Record<Layout, string>> = { nn: 'K', nt: 'N', tn: 'M' };

/** From the beginning of one row of the strided matrix to that of the next. */
function stride(layout: Layout, dims: Dims): number {
  const columns = dimension(dims, STRIDED_SIZE[layout]);
  const elements = dims['stride'] === undefined ? columns : dimension(dims, 'stride');
  assert(elements >= columns, `rows of ${columns} elements lie ${elements} apart`);
  return elements;
}

/** The overrides of every variant, besides its own. */
function overrides(layout: Layout, dims: Dims): Dims {
  const rowStride = stride(layout, dims);
  if (layout === 'nt') return { ...sizes(dims), C_STRIDE: rowStride };
  if (layout === 'tn') return { ...sizes(dims), A_STRIDE: rowStride };
  const epilogue: Dims = { BIAS: flag(dims, 'bias'), RESIDUAL: flag(dims, 'residual') };
  return { ...sizes(dims), ...epilogue, A_STRIDE: rowStride, CONTINUED: flag(dims, 'continued') };
}

function subgroup(layout: Layout, dims: Dims, target: KernelTarget): KernelVariant {
  const tiles = Math.ceil(dimension(dims, 'M') / 16) * Math.ceil(dimension(dims, 'N') / 32);
  return {
    wgsl: `matmul_${layout}_subgroup`,
    overrides: overrides(layout, dims),
    workgroups: linearWorkgroups(tiles, target),
  };
}

function tile(layout: Layout, dims: Dims, target: KernelTarget): KernelVariant {
  const tiles = Math.ceil(dimension(dims, 'M') / 4) * Math.ceil(dimension(dims, 'N') / 4);
  return perItem({ wgsl: `matmul_${layout}_tile`, overrides: overrides(layout, dims) }, tiles, target);
}

function workgroup(layout: Layout, dims: Dims, target: KernelTarget): KernelVariant {
  const tiles = Math.ceil(dimension(dims, 'M') / 64) * Math.ceil(dimension(dims, 'N') / 64);
  return {
    wgsl: `matmul_${layout}_workgroup`,
    overrides: overrides(layout, dims),
    workgroups: linearWorkgroups(tiles, target),
  };
}

function choose(layout: Layout): (dims: Dims, target: KernelTarget) => KernelVariant {
  return (dims, target) => {
    const inVectors = layout === 'tn' ? ['M', 'N'] : ['K', 'N'];
    const aligned = inVectors.every((name) => dimension(dims, name) % 4 === 0) && stride(layout, dims) % 4 === 0;
    const eightLanes = target.subgroups && target.subgroupSize === 8;
    if (target.adapterClass === 'cpu' && aligned && eightLanes) return subgroup(layout, dims, target);
    if (target.adapterClass === 'gpu' && target.maxWorkgroupSize >= 256) return workgroup(layout, dims, target);
    return tile(layout, dims, target);
  };
}

/** The columns of a part are those of a matrix as wide as before. */
function columns(layout: Layout, axis: string): AxisCut {
  return { axis, part: (dims) => ({ stride: stride(layout, dims) }) };
}

/** A part goes on with the sums of the part before it, and the last one adds bias and residual. */
const BY_PRODUCTS: AxisCut = {
  axis: 'K',
  // What is added to comes first, instead of last.
  rounds: (dims) => flag(dims, 'accumulate') === 1,
  part: (dims, { first, end }) => {
    const isLast = end === dimension(dims, 'K') ? 1 : 0;
    return {
      stride: stride('nn', dims),
      continued: first > 0 ? 1 : Math.max(flag(dims, 'continued'), flag(dims, 'accumulate')),
      accumulate: 0,
      bias: isLast && flag(dims, 'bias'),
      residual: isLast && flag(dims, 'residual'),
    };
  },
};

/**
 * c = a b (+ bias) (+ residual) (+ c). Dims M, K, N, `stride` of a, and the flags bias, residual, accumulate. With the
 * flag continued the sums begin with what c holds, which makes them those of one product with more columns of a.
 */
export const matmulNn: Kernel = {
  name: 'matmul_nn',
  bindings: [
    strided(input('a_MK')),
    input('b_KN'),
    inputIf('bias', 'bias_N'),
    inputIf('residual', 'residual_MN'),
    output('c_MN'),
  ],
  variant: choose('nn'),
  reference: scalar('nn'),
  flops,
  bytes,
  cuts: [{ axis: 'M' }, BY_PRODUCTS],
  cpu: matmulNnTwin,
};

/** c = a bᵀ (+ c). Dims M, K, N, `stride` of c, and the flag accumulate. */
export const matmulNt: Kernel = {
  name: 'matmul_nt',
  bindings: [input('a_MK'), input('b_NK'), strided(output('c_MN'))],
  variant: choose('nt'),
  reference: scalar('nt'),
  flops,
  bytes,
  cuts: [{ axis: 'M' }, columns('nt', 'N')],
  cpu: matmulNtTwin,
};

/** c = aᵀ b (+ c). Dims M, K, N, `stride` of a, and the flag accumulate. */
export const matmulTn: Kernel = {
  name: 'matmul_tn',
  bindings: [strided(input('a_KM')), input('b_KN'), output('c_MN')],
  variant: choose('tn'),
  reference: scalar('tn'),
  flops,
  bytes,
  cuts: [columns('tn', 'M'), accumulatingCut('K')],
  cpu: matmulTnTwin,
};
