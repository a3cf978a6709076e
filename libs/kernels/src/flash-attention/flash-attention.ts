import { type AttentionSizes, attentionSizes, causalPairs, qkvWidth } from '../attention/attention-sizes';
import { input, output } from '../binding';
import type { AxisCut, Dims, Kernel, KernelTarget, KernelVariant } from '../kernel';
import { linearWorkgroups, perItem } from '../launch';
import { flashAttentionBackwardTwin, flashAttentionForwardTwin, flashAttentionInnerTwin } from './flash-attention.cpu';

/** Rows of a batch know nothing of one another. */
const CUTS: readonly AxisCut[] = [{ axis: 'B' }];

/** Columns of a row that an invocation of the scalar shaders sums up. */
const SCALAR_COLUMNS = 16;

/** The largest head for which the tiles of a GPU's workgroup fit. */
const HEAD_SIZE_MAX = 256;

/** Tiles of a subgroup on a software driver, and the columns of a head that one of them sums up. */
const SUBGROUP_ROWS = 16;
const SUBGROUP_COLUMNS = 64;
const NEAR_COLUMNS = 32;

function forwardScalar(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, H, G, D } = attentionSizes(dims);
  const items = B * H * T * Math.ceil(D / SCALAR_COLUMNS);
  return perItem({ wgsl: 'flash_attention_forward_scalar', overrides: { B, T, H, G, D } }, items, target);
}

function backwardScalar(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, H, G, D } = attentionSizes(dims);
  const items = B * (H + G) * T * Math.ceil(D / SCALAR_COLUMNS);
  return perItem({ wgsl: 'flash_attention_backward_scalar', overrides: { B, T, H, G, D } }, items, target);
}

function suitsSubgroups({ D }: AttentionSizes, target: KernelTarget): boolean {
  return target.adapterClass === 'cpu' && target.subgroups && target.subgroupSize === 8 && D % 4 === 0;
}

/**
 * A workgroup's tile by head size. TX invocations side by side have 8 columns of a head each; a group has 64 rows of
 * it, or 32 where the head is so wide that 64 would take more than 256 invocations.
 */
function tileOf(D: number): { readonly TX: number; readonly WG: number; readonly rows: number } {
  const TX = D <= 32 ? 4 : D <= 64 ? 8 : D <= 128 ? 16 : 32;
  const WG = Math.min(256, 16 * TX);
  return { TX, WG, rows: (4 * WG) / TX };
}

function suitsWorkgroups({ D }: AttentionSizes, target: KernelTarget): boolean {
  return target.adapterClass === 'gpu' && D <= HEAD_SIZE_MAX && tileOf(D).WG <= target.maxWorkgroupSize;
}

/** Whether a subgroup has columns beyond the first 32 is compiled in: what computes them is half of the shader. */
function subgroupOverrides({ B, T, H, G, D }: AttentionSizes): KernelVariant['overrides'] {
  return { B, T, H, G, D, FAR: D > NEAR_COLUMNS ? 1 : 0 };
}

function forward(dims: Dims, target: KernelTarget): KernelVariant {
  const sizes = attentionSizes(dims);
  const { B, T, H, G, D } = sizes;
  if (suitsSubgroups(sizes, target)) {
    const groups = B * H * Math.ceil(T / SUBGROUP_ROWS) * Math.ceil(D / SUBGROUP_COLUMNS);
    const wgsl = 'flash_attention_forward_subgroup';
    return { wgsl, overrides: subgroupOverrides(sizes), workgroups: linearWorkgroups(groups, target) };
  }
  if (!suitsWorkgroups(sizes, target)) return forwardScalar(dims, target);
  const { TX, WG, rows } = tileOf(D);
  return {
    wgsl: 'flash_attention_forward_workgroup',
    overrides: { WG, TX, B, T, H, G, D },
    workgroups: linearWorkgroups(B * H * Math.ceil(T / rows), target),
  };
}

function backward(dims: Dims, target: KernelTarget): KernelVariant {
  const sizes = attentionSizes(dims);
  const { B, T, H, G, D } = sizes;
  if (suitsSubgroups(sizes, target)) {
    const wgsl = 'flash_attention_backward_subgroup';
    const groups = B * G * Math.ceil(D / SUBGROUP_COLUMNS);
    return { wgsl, overrides: subgroupOverrides(sizes), workgroups: linearWorkgroups(groups, target) };
  }
  if (!suitsWorkgroups(sizes, target)) return backwardScalar(dims, target);
  const { TX, WG, rows } = tileOf(D);
  return {
    wgsl: 'flash_attention_backward_workgroup',
    overrides: { WG, TX, B, T, H, G, D },
    workgroups: linearWorkgroups(B * (H + G) * Math.ceil(T / rows), target),
  };
}

function inner(dims: Dims, target: KernelTarget): KernelVariant {
  const { B, T, H, D } = attentionSizes(dims);
  return perItem({ wgsl: 'flash_attention_inner', overrides: { B, T, H, D } }, B * T * H, target);
}

/** Work of so many products of a row with a row per pair of query and key, and of its exponential. */
function pairFlops(dims: Dims, products: number): number {
  const sizes = attentionSizes(dims);
  return causalPairs(sizes) * (2 * products * sizes.D + 5);
}

function rowBytes(dims: Dims, columns: (sizes: AttentionSizes) => number): number {
  const sizes = attentionSizes(dims);
  return 4 * sizes.B * sizes.T * columns(sizes);
}

/** y = softmax(q kᵀ / sqrt(D)) v, causal, and the log-sum-exp of the scores of each row. Dims B, T, H, G, D. */
export const flashAttentionForward: Kernel = {
  name: 'flash_attention_forward',
  bindings: [input('qkv_BTE'), output('y_BTC'), output('lse_BHT')],
  variant: forward,
  reference: forwardScalar,
  flops: (dims) => pairFlops(dims, 2),
  bytes: (dims) => rowBytes(dims, (sizes) => qkvWidth(sizes) + sizes.H * (sizes.D + 1)),
  cuts: CUTS,
  cpu: flashAttentionForwardTwin,
};

/** What the derivative of the softmax subtracts in each row: dy·y. Dims B, T, H, D. */
export const flashAttentionInner: Kernel = {
  name: 'flash_attention_inner',
  bindings: [input('dy_BTC'), input('y_BTC'), output('inner_BHT')],
  variant: inner,
  reference: inner,
  flops: (dims) => rowBytes(dims, ({ H, D }) => H * D) / 2,
  bytes: (dims) => rowBytes(dims, ({ H, D }) => H * (2 * D + 1)),
  cuts: CUTS,
  cpu: flashAttentionInnerTwin,
};

/**
 * The gradient of qkv. Dims B, T, H, G, D. A GPU makes dq apart from dk and dv, in workgroups of one launch, since
 * nothing is added atomically: seven products a pair. A software driver gives a key head to one subgroup: five.
 */
export const flashAttentionBackward: Kernel = {
  name: 'flash_attention_backward',
  bindings: [input('qkv_BTE'), input('dy_BTC'), input('lse_BHT'), input('inner_BHT'), output('dqkv_BTE')],
  variant: backward,
  reference: backwardScalar,
  flops: (dims) => pairFlops(dims, 5),
  bytes: (dims) => rowBytes(dims, (sizes) => 2 * qkvWidth(sizes) + sizes.H * (sizes.D + 2)),
  cuts: CUTS,
  cpu: flashAttentionBackwardTwin,
};
