import { type AttentionSizes, attentionSizes, keyColumn, qkvWidth, valueColumn } from '../attention/attention-sizes';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** Where the rows of query i and key j of head h begin in qkv[B,T,E], in y or dy[B,T,HD], and in lse[B,H,T]. */
interface Rows {
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly y: number;
  readonly statistic: number;
}

function rowsOf(sizes: AttentionSizes, [b, h, i, j]: readonly [b: number, h: number, i: number, j: number]): Rows {
  const { T, H, D } = sizes;
  const E = qkvWidth(sizes);
  return {
    q: (b * T + i) * E + h * D,
    k: (b * T + j) * E + keyColumn(sizes, h),
    v: (b * T + j) * E + valueColumn(sizes, h),
    y: (b * T + i) * H * D + h * D,
    statistic: (b * H + h) * T + i,
  };
}

function forEachRow({ B, T, H }: AttentionSizes, visit: (b: number, h: number, i: number) => void): void {
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      for (let i = 0; i < T; i++) visit(b, h, i);
    }
  }
}

/** The product of D entries of x from `start` on and of z from `from` on. */
function dot(x: Float64Array, start: number, { z, from, D }: { z: Float64Array; from: number; D: number }): number {
  let sum = 0;
  for (let d = 0; d < D; d++) sum += at(x, start + d) * at(z, from + d);
  return sum;
}

/** y[start ..] += factor * x[from ..] over D entries. */
function addScaled(
  y: Float64Array,
  start: number,
  { factor, x, from, D }: { factor: number; x: Float64Array; from: number; D: number },
): void {
  for (let d = 0; d < D; d++) y[start + d] = at(y, start + d) + factor * at(x, from + d);
}

/** Twin of flash_attention_forward, which holds all scores of a row. Shapes: qkv[B,T,E] -> y[B,T,HD] lse[B,H,T]. */
export function flashAttentionForwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { D } = sizes;
  const z = doubles(tensors, 'qkv_BTE');
  const y_BTC = doubles(tensors, 'y_BTC').fill(0);
  const lse_BHT = doubles(tensors, 'lse_BHT');
  forEachRow(sizes, (b, h, i) => {
    const rows = (j: number): Rows => rowsOf(sizes, [b, h, i, j]);
    const scores = Array.from({ length: i + 1 }, (_, j) => {
      const { q, k } = rows(j);
      return dot(z, q, { z, from: k, D }) / Math.sqrt(D);
    });
    const maximum = scores.reduce((a, c) => Math.max(a, c), Number.NEGATIVE_INFINITY);
    const lse = maximum + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - maximum), 0));
    lse_BHT[rows(0).statistic] = lse;
    scores.forEach((score, j) => {
      const { y, v } = rows(j);
      addScaled(y_BTC, y, { factor: Math.exp(score - lse), x: z, from: v, D });
    });
  });
}

/** Twin of flash_attention_inner. Shapes: dy[B,T,HD] y[B,T,HD] -> inner[B,H,T]. */
export function flashAttentionInnerTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const dy_BTC = doubles(tensors, 'dy_BTC');
  const z = doubles(tensors, 'y_BTC');
  const inner_BHT = doubles(tensors, 'inner_BHT');
  forEachRow(sizes, (b, h, i) => {
    const { y, statistic } = rowsOf(sizes, [b, h, i, 0]);
    inner_BHT[statistic] = dot(dy_BTC, y, { z, from: y, D: sizes.D });
  });
}

/**
 * Twin of flash_attention_backward, which makes one pair of query and key after the other.
 * Shapes: qkv[B,T,E] dy[B,T,HD] lse[B,H,T] inner[B,H,T] -> dqkv[B,T,E].
 */
export function flashAttentionBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { D } = sizes;
  const z = doubles(tensors, 'qkv_BTE');
  const dy_BTC = doubles(tensors, 'dy_BTC');
  const lse_BHT = doubles(tensors, 'lse_BHT');
  const inner_BHT = doubles(tensors, 'inner_BHT');
  const dqkv_BTE = doubles(tensors, 'dqkv_BTE').fill(0);
  forEachRow(sizes, (b, h, i) => {
    for (let j = 0; j <= i; j++) {
      const { q, k, v, y, statistic } = rowsOf(sizes, [b, h, i, j]);
      const score = dot(z, q, { z, from: k, D }) / Math.sqrt(D);
      const p = Math.exp(score - at(lse_BHT, statistic));
      const difference = dot(dy_BTC, y, { z, from: v, D }) - at(inner_BHT, statistic);
      const factor = (p * difference) / Math.sqrt(D);
      addScaled(dqkv_BTE, q, { factor, x: z, from: k, D });
      addScaled(dqkv_BTE, k, { factor, x: z, from: q, D });
      addScaled(dqkv_BTE, v, { factor: p, x: dy_BTC, from: y, D });
    }
  });
}
