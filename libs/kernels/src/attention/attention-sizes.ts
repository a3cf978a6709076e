import { assert } from '@millrace/core';
import { dimension } from '../dimension';
import type { Dims } from '../kernel';

/** H heads of D columns; G key and value heads, each of which H/G consecutive query heads read. */
export interface AttentionSizes {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly G: number;
  readonly D: number;
}

/** Without G every query head has a key and value head of its own. */
export function attentionSizes(dims: Dims): AttentionSizes {
  const H = dimension(dims, 'H');
  const G = dims['G'] === undefined ? H : dimension(dims, 'G');
  assert(H % G === 0, `${G} key and value heads do not divide ${H} query heads`);
  return { B: dimension(dims, 'B'), T: dimension(dims, 'T'), H, G, D: dimension(dims, 'D') };
}

/** Entries on and below the diagonal, over all batch rows and heads. */
export function causalPairs({ B, T, H }: AttentionSizes): number {
  return (B * H * T * (T + 1)) / 2;
}

/** Columns of queries, keys and values side by side. */
export function qkvWidth({ H, G, D }: AttentionSizes): number {
  return (H + 2 * G) * D;
}

/** First column in a row of qkv of the key head that query head h reads. */
export function keyColumn({ H, G, D }: AttentionSizes, h: number): number {
  return (H + Math.floor((h * G) / H)) * D;
}

/** The same of the value head. */
export function valueColumn({ H, G, D }: AttentionSizes, h: number): number {
  return (H + G + Math.floor((h * G) / H)) * D;
}
