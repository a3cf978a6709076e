import { input, output } from '../binding';
import { dimension, flag } from '../dimension';
import type { Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { perItem } from '../launch';
import { matmulNnTwin, matmulNtTwin, matmulTnTwin } from './matmul.cpu';

function flops(dims: Dims): number {
  return 2 * dimension(dims, 'M') * dimension(dims, 'K') * dimension(dims, 'N');
}

function bytes(dims: Dims): number {
  const [M, K, N] = [dimension(dims, 'M'), dimension(dims, 'K'), dimension(dims, 'N')];
  const extra = (flag(dims, 'bias') * N) + (flag(dims, 'residual') + flag(dims, 'accumulate')) * M * N;
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

function scalar(layout: 'nn' | 'nt' | 'tn'): (dims: Dims, target: KernelTarget) => KernelVariant {
  return (dims, target) => {
    const epilogue: Dims = layout === 'nn' ? { BIAS: flag(dims, 'bias'), RESIDUAL: flag(dims, 'residual') } : {};
    const items = dimension(dims, 'M') * dimension(dims, 'N');
    return perItem(`matmul_${layout}_scalar`, items, { ...sizes(dims), ...epilogue }, target);
  };
}

/**
 * c = a b (+ bias) (+ residual) (+ c). Dims M, K, N and the flags bias, residual, accumulate. With bias or residual 0
 * their bindings take any tensor that this dispatch only reads (a_MK will do).
 */
export const matmulNn: Kernel = {
  name: 'matmul_nn',
  bindings: [input('a_MK'), input('b_KN'), input('bias_N'), input('residual_MN'), output('c_MN')],
  variant: scalar('nn'),
  reference: scalar('nn'),
  flops,
  bytes,
  cpu: matmulNnTwin,
};

/** c = a bᵀ (+ c). Dims M, K, N and the flag accumulate. */
export const matmulNt: Kernel = {
  name: 'matmul_nt',
  bindings: [input('a_MK'), input('b_NK'), output('c_MN')],
  variant: scalar('nt'),
  reference: scalar('nt'),
  flops,
  bytes,
  cpu: matmulNtTwin,
};

/** c = aᵀ b (+ c). Dims M, K, N and the flag accumulate. */
export const matmulTn: Kernel = {
  name: 'matmul_tn',
  bindings: [input('a_KM'), input('b_KN'), output('c_MN')],
  variant: scalar('tn'),
  reference: scalar('tn'),
  flops,
  bytes,
  cpu: matmulTnTwin,
};
