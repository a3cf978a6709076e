import { assert } from '@millrace/core';
import { input, inputIf, output, strided } from '../binding';
import { dimension, flag } from '../dimension';
import type { AxisCut, Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { accumulatingCut } from '../accumulating-cut';
import { linearWorkgroups, perItem } from '../launch';
import {
  fitsTarget,
  GPU_TILES,
  type GpuTile,
  gpuTile,
  isInVectors,
  type ProductLayout,
  tileCount,
  tileForm,
  tileNeeds,
} from './gpu-tiles';
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

/** The size whose columns may be those of a wider matrix: of a in nn and tn, of c and residual in nt. */
const STRIDED_SIZE: Readonly<Record<ProductLayout, string>> = { nn: 'K', nt: 'N', tn: 'M' };

/** From the beginning of one row of the strided matrix to that of the next. */
function stride(layout: ProductLayout, dims: Dims): number {
  const columns = dimension(dims, STRIDED_SIZE[layout]);
  const elements = dims['stride'] === undefined ? columns : dimension(dims, 'stride');
  assert(elements >= columns, `rows of ${columns} elements lie ${elements} apart`);
  return elements;
}

/** The overrides of every variant, besides its own. */
function overrides(layout: ProductLayout, dims: Dims): Dims {
  const rowStride = stride(layout, dims);
  if (layout === 'tn') return { ...sizes(dims), A_STRIDE: rowStride };
  const RESIDUAL = flag(dims, 'residual');
  if (layout === 'nt') return { ...sizes(dims), RESIDUAL, C_STRIDE: rowStride };
  const epilogue: Dims = { BIAS: flag(dims, 'bias'), RESIDUAL };
  return { ...sizes(dims), ...epilogue, A_STRIDE: rowStride, CONTINUED: flag(dims, 'continued') };
}

interface Launch {
  readonly layout: ProductLayout;
  readonly dims: Dims;
  readonly target: KernelTarget;
}

function scalar({ layout, dims, target }: Launch): KernelVariant {
  const items = dimension(dims, 'M') * dimension(dims, 'N');
  const shader = { wgsl: `matmul_${layout}_scalar`, overrides: overrides(layout, dims) };
  return { ...perItem(shader, items, target), rounding: 'ascending', form: 'scalar' };
}

function tile({ layout, dims, target }: Launch): KernelVariant {
  const shader = { wgsl: `matmul_${layout}_tile`, overrides: overrides(layout, dims) };
  const tiles = tileCount(dims, { rows: 4, columns: 4 });
  return { ...perItem(shader, tiles, target), rounding: 'ascending', form: 'tile' };
}

function subgroup({ layout, dims, target }: Launch): KernelVariant {
  const whole: Dims = layout === 'tn' ? { IS_WHOLE: dimension(dims, 'K') % 4 === 0 ? 1 : 0 } : {};
  return {
    wgsl: `matmul_${layout}_subgroup`,
    overrides: { ...overrides(layout, dims), ...whole },
    workgroups: linearWorkgroups(tileCount(dims, { rows: 16, columns: 32 }), target),
    rounding: 'fours',
    form: 'subgroup',
  };
}

function workgroup({ layout, dims, target }: Launch): KernelVariant {
  return {
    wgsl: `matmul_${layout}_workgroup`,
    overrides: overrides(layout, dims),
    workgroups: linearWorkgroups(tileCount(dims, { rows: 64, columns: 64 }), target),
    rounding: 'ascending',
    form: 'workgroup',
    needs: { workgroupSize: 256, workgroupBytes: 8192 },
  };
}

function block({ layout, dims, target }: Launch, gpu: GpuTile): KernelVariant {
  const loads = inVectors(layout, dims) ? '' : '_any';
  return {
    wgsl: `matmul_${layout}_block_${tileForm(gpu)}${loads}`,
    overrides: overrides(layout, dims),
    workgroups: linearWorkgroups(tileCount(dims, gpu), target),
    rounding: 'ascending',
    form: tileForm(gpu),
    needs: tileNeeds(gpu),
  };
}

function inVectors(layout: ProductLayout, dims: Dims): boolean {
  return isInVectors(layout, dims) && (layout === 'nt' || stride(layout, dims) % 4 === 0);
}

/** Whether c consists of whole vectors as well, which the subgroups of a software driver write. */
function suitsSubgroups({ layout, dims, target }: Launch): boolean {
  const eightLanes = target.subgroups && target.subgroupSize === 8;
  const isWhole = dimension(dims, 'N') % 4 === 0 && stride(layout, dims) % 4 === 0;
  return target.adapterClass === 'cpu' && eightLanes && isWhole && inVectors(layout, dims);
}

function choose(launch: Launch): KernelVariant {
  const { dims, target } = launch;
  if (suitsSubgroups(launch)) return subgroup(launch);
  if (target.adapterClass === 'cpu') return tile(launch);
  const gpu = gpuTile(dims, target);
  if (gpu !== undefined) return block(launch, gpu);
  const small = workgroup(launch);
  return fitsTarget(small.needs!, target) ? small : tile(launch);
}

/** On a GPU every tile that fits, whatever the shape. */
function variants(launch: Launch): KernelVariant[] {
  if (launch.target.adapterClass === 'cpu') return [scalar(launch), tile(launch), choose(launch)];
  const cooperating = [workgroup(launch), ...GPU_TILES.map((gpu) => block(launch, gpu))];
  return [scalar(launch), tile(launch), ...cooperating.filter(({ needs }) => fitsTarget(needs!, launch.target))];
}

function launches(layout: ProductLayout): Pick<Kernel, 'variant' | 'variants' | 'reference'> {
  return {
    variant: (dims, target) => choose({ layout, dims, target }),
    variants: (dims, target) => variants({ layout, dims, target }),
    reference: (dims, target) => scalar({ layout, dims, target }),
  };
}

/** The columns of a part are those of a matrix as wide as before. */
function columns(layout: ProductLayout, axis: string): AxisCut {
  return { axis, part: (dims) => ({ stride: stride(layout, dims) }) };
}

/**
 * A part goes on with the sums of the part before it, and the last one adds bias and residual. What is accumulated to
 * comes first instead of last, which rounds otherwise.
 */
const BY_PRODUCTS: AxisCut = {
  axis: 'K',
  sums: true,
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
  ...launches('nn'),
  flops,
  bytes,
  cuts: [{ axis: 'M' }, BY_PRODUCTS],
  cpu: matmulNnTwin,
};

/** c = a bᵀ (+ residual) (+ c). Dims M, K, N, `stride` of c and residual, and the flags residual and accumulate. */
export const matmulNt: Kernel = {
  name: 'matmul_nt',
  bindings: [input('a_MK'), input('b_NK'), strided(inputIf('residual', 'residual_MN')), strided(output('c_MN'))],
  ...launches('nt'),
  flops,
  bytes,
  cuts: [{ axis: 'M' }, columns('nt', 'N')],
  cpu: matmulNtTwin,
};

/** c = aᵀ b (+ c). Dims M, K, N, `stride` of a, and the flag accumulate. */
export const matmulTn: Kernel = {
  name: 'matmul_tn',
  bindings: [strided(input('a_KM')), input('b_KN'), output('c_MN')],
  ...launches('tn'),
  flops,
  bytes,
  cuts: [columns('tn', 'M'), accumulatingCut('K')],
  cpu: matmulTnTwin,
};
