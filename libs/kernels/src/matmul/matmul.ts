import { input, output } from '../binding';
import { dimension, flag } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
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

/** The overrides of every variant but the naive one, besides its own. */
function overrides(layout: Layout, dims: Dims): Dims {
  const epilogue: Dims = layout === 'nn' ? { BIAS: flag(dims, 'bias'), RESIDUAL: flag(dims, 'residual') } : {};
  return { ...sizes(dims), ...epilogue };
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
    const aligned = inVectors.every((name) => dimension(dims, name) % 4 === 0);
    const eightLanes = target.subgroups && target.subgroupSize === 8;
    if (target.adapterClass === 'cpu' && aligned && eightLanes) return subgroup(layout, dims, target);
    if (target.adapterClass === 'gpu' && target.maxWorkgroupSize >= 256) return workgroup(layout, dims, target);
    return tile(layout, dims, target);
  };
}

/**
 * c = a b (+ bias) (+ residual) (+ c). Dims M, K, N and the flags bias, residual, accumulate. With bias or residual 0
 * their bindings take any tensor that this dispatch only reads (a_MK will do).
 */
export const matmulNn: Kernel = {
  name: 'matmul_nn',
  bindings: [input('a_MK'), input('b_KN'), input('bias_N'), input('residual_MN'), output('c_MN')],
  variant: choose('nn'),
  reference: scalar('nn'),
  flops,
  bytes,
  cpu: matmulNnTwin,
};

/** c = a bᵀ (+ c). Dims M, K, N and the flag accumulate. */
export const matmulNt: Kernel = {
  name: 'matmul_nt',
  bindings: [input('a_MK'), input('b_NK'), output('c_MN')],
  variant: choose('nt'),
  reference: scalar('nt'),
  flops,
  bytes,
  cpu: matmulNtTwin,
};

/** c = aᵀ b (+ c). Dims M, K, N and the flag accumulate. */
export const matmulTn: Kernel = {
  name: 'matmul_tn',
  bindings: [input('a_KM'), input('b_KN'), output('c_MN')],
  variant: choose('tn'),
  reference: scalar('tn'),
  flops,
  bytes,
  cpu: matmulTnTwin,
};
