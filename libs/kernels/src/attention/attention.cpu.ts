import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';
import { type AttentionSizes, attentionSizes, keyColumn, qkvWidth, valueColumn } from './attention-sizes';

/** Calls `visit` for every (batch row, head, query i, key j <= i), ascending. */
export function forEachCausalPair(
  { B, T, H }: AttentionSizes,
  visit: (b: number, h: number, i: number, j: number) => void,
): void {
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      for (let i = 0; i < T; i++) {
        for (let j = 0; j <= i; j++) visit(b, h, i, j);
      }
    }
  }
}

/** Twin of attention_scores. Shapes: queries[B,T,E] keys[B,T,E] -> scores[B,H,T,T] (lower triangle). */
export function attentionScoresTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, D } = sizes;
  const E = qkvWidth(sizes);
  const queries_BTE = doubles(tensors, 'queries_BTE');
  const keys_BTE = doubles(tensors, 'keys_BTE');
  const scores_BHTT = doubles(tensors, 'scores_BHTT');
  forEachCausalPair(sizes, (b, h, i, j) => {
    const q = (b * T + i) * E + h * D;
    const k = (b * T + j) * E + keyColumn(sizes, h);
    let sum = 0;
    for (let d = 0; d < D; d++) sum += at(queries_BTE, q + d) * at(keys_BTE, k + d);
    scores_BHTT[((b * H + h) * T + i) * T + j] = sum / Math.sqrt(D);
  });
}

/** Twin of attention_softmax, in place. Shapes: probabilities[B,H,T,T]. */
export function attentionSoftmaxTwin(dims: Dims, tensors: TwinTensors): void {
  const { T } = attentionSizes(dims);
  const probabilities_BHTT = doubles(tensors, 'probabilities_BHTT');
  for (let row = 0; row * T < probabilities_BHTT.length; row++) {
    const row_T = probabilities_BHTT.subarray(row * T, (row + 1) * T);
    const visible = row_T.subarray(0, (row % T) + 1);
    const maximum = visible.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const sum = visible.reduce((total, score) => total + Math.exp(score - maximum), 0);
    visible.forEach((score, j) => {
      visible[j] = Math.exp(score - maximum) / sum;
    });
    row_T.fill(0, visible.length);
  }
}

/** Twin of attention_mix. Shapes: probabilities[B,H,T,T] qkv[B,T,E] -> y[B,T,HD]. */
export function attentionMixTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, D } = sizes;
  const probabilities_BHTT = doubles(tensors, 'probabilities_BHTT');
  const E = qkvWidth(sizes);
  const qkv_BTE = doubles(tensors, 'qkv_BTE');
  const y_BTC = doubles(tensors, 'y_BTC').fill(0);
  forEachCausalPair(sizes, (b, h, i, j) => {
    const p = at(probabilities_BHTT, ((b * H + h) * T + i) * T + j);
    const v = (b * T + j) * E + valueColumn(sizes, h);
    const y = (b * T + i) * H * D + h * D;
    for (let d = 0; d < D; d++) y_BTC[y + d] = at(y_BTC, y + d) + p * at(qkv_BTE, v + d);
  });
}
