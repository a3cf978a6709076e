import { assert } from '@millrace/core';
import { input, inputIf, output } from '../../binding';
import { dimension, flag } from '../../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../../kernel';
import { linearWorkgroups, perItem } from '../../launch';
import { fitsTarget, isInVectors, type ProductLayout, SLAB, tileCount, tileForm, tileNeeds } from '../gpu-tiles';
import { matmulNnPartsTwin, matmulNtPartsTwin, matmulPartsSumTwin, matmulTnPartsTwin } from './matmul-parts.cpu';

const TILE = { rows: 64, columns: 64 };

function overrides(dims: Dims): Dims {
  const [M, K, N, P] = [dimension(dims, 'M'), dimension(dims, 'K'), dimension(dims, 'N'), dimension(dims, 'P')];
  const PART_K = dimension(dims, 'partK');
  // The last slab of a part that is no multiple of a slab would read into the next part.
  assert(P === 1 || PART_K % SLAB === 0, `parts of ${PART_K} products are not whole slabs of ${SLAB}`);
  return { M, K, N, P, PART_K };
}

function scalar(layout: ProductLayout, dims: Dims, target: KernelTarget): KernelVariant {
  const { M, N, P } = overrides(dims);
  const shader = { wgsl: `matmul_${layout}_parts_scalar`, overrides: overrides(dims) };
  return { ...perItem(shader, M! * N! * P!, target), rounding: 'ascending', form: 'scalar' };
}

function tiles(layout: ProductLayout, dims: Dims, target: KernelTarget): KernelVariant {
  const loads = isInVectors(layout, dims) ? '' : '_any';
  return {
    wgsl: `matmul_${layout}_parts_${tileForm(TILE)}${loads}`,
    overrides: overrides(dims),
    workgroups: linearWorkgroups(dimension(dims, 'P') * tileCount(dims, TILE), target),
    rounding: 'ascending',
    form: tileForm(TILE),
    needs: tileNeeds(TILE),
  };
}

type Parts = Pick<Kernel, 'name' | 'variant' | 'variants' | 'reference' | 'flops' | 'bytes'>;

function parts(layout: ProductLayout): Parts {
  const fits = (target: KernelTarget): boolean => fitsTarget(tileNeeds(TILE), target);
  const isForGpu = (target: KernelTarget): boolean => target.adapterClass === 'gpu' && fits(target);
  return {
    name: `matmul_${layout}_parts`,
    variant: (dims, target) => (isForGpu(target) ? tiles : scalar)(layout, dims, target),
    variants: (dims, target) => [scalar, ...(fits(target) ? [tiles] : [])].map((each) => each(layout, dims, target)),
    reference: (dims, target) => scalar(layout, dims, target),
    flops: (dims) => 2 * dimension(dims, 'M') * dimension(dims, 'K') * dimension(dims, 'N'),
    bytes: (dims) => {
      const { M, K, N, P } = overrides(dims);
      return 4 * (M! * K! + K! * N! + P! * M! * N!);
    },
  };
}

/** parts[p] = a b over the partK products from p partK on. Dims M, K, N, P, partK: whole slabs of 16. */
export const matmulNnParts: Kernel = {
  ...parts('nn'),
  bindings: [input('a_MK'), input('b_KN'), output('parts_PMN')],
  cpu: matmulNnPartsTwin,
};

/** The same of a bᵀ. */
export const matmulNtParts: Kernel = {
  ...parts('nt'),
  bindings: [input('a_MK'), input('b_NK'), output('parts_PMN')],
  cpu: matmulNtPartsTwin,
};

/** The same of aᵀ b. */
export const matmulTnParts: Kernel = {
  ...parts('tn'),
  bindings: [input('a_KM'), input('b_KN'), output('parts_PMN')],
  cpu: matmulTnPartsTwin,
};

function sum(dims: Dims, target: KernelTarget): KernelVariant {
  const [M, N, P] = [dimension(dims, 'M'), dimension(dims, 'N'), dimension(dims, 'P')];
  const epilogue = { BIAS: flag(dims, 'bias'), RESIDUAL: flag(dims, 'residual'), ACCUMULATE: flag(dims, 'accumulate') };
  return perItem({ wgsl: 'matmul_parts_sum', overrides: { M, N, P, ...epilogue } }, M * N, target);
}

/** c = the sum of parts (+ bias) (+ residual) (+ c). Dims M, N, P and the flags bias, residual, accumulate. */
export const matmulPartsSum: Kernel = {
  name: 'matmul_parts_sum',
  bindings: [input('parts_PMN'), inputIf('bias', 'bias_N'), inputIf('residual', 'residual_MN'), output('c_MN')],
  variant: sum,
  reference: sum,
  flops: (dims) => dimension(dims, 'P') * dimension(dims, 'M') * dimension(dims, 'N'),
  bytes: (dims) => {
    const [MN, P] = [dimension(dims, 'M') * dimension(dims, 'N'), dimension(dims, 'P')];
    const extra = flag(dims, 'residual') + flag(dims, 'accumulate');
    return 4 * (MN * (P + 1 + extra) + flag(dims, 'bias') * dimension(dims, 'N'));
  },
  cpu: matmulPartsSumTwin,
};
