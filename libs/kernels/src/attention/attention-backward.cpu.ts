import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';
import { forEachCausalPair } from './attention.cpu';
import { attentionSizes, keyColumn, qkvWidth, valueColumn } from './attention-sizes';

/** Twin of attention_scores_backward. Shapes: dy[B,T,HD] qkv[B,T,E] -> dscores[B,H,T,T] (lower triangle). */
export function attentionScoresBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, D } = sizes;
  const dy_BTC = doubles(tensors, 'dy_BTC');
  const qkv_BTE = doubles(tensors, 'qkv_BTE');
  const dscores_BHTT = doubles(tensors, 'dscores_BHTT');
  forEachCausalPair(sizes, (b, h, i, j) => {
    const dy = (b * T + i) * H * D + h * D;
    const v = (b * T + j) * qkvWidth(sizes) + valueColumn(sizes, h);
    let sum = 0;
    for (let d = 0; d < D; d++) sum += at(dy_BTC, dy + d) * at(qkv_BTE, v + d);
    dscores_BHTT[((b * H + h) * T + i) * T + j] = sum;
  });
}

/** Twin of attention_softmax_backward, in place on dscores. Shapes: probabilities[B,H,T,T] dscores[B,H,T,T]. */
export function attentionSoftmaxBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const { T, D } = attentionSizes(dims);
  const probabilities_BHTT = doubles(tensors, 'probabilities_BHTT');
  const dscores_BHTT = doubles(tensors, 'dscores_BHTT');
  for (let start = 0; start < dscores_BHTT.length; start += T) {
    const count = ((start / T) % T) + 1;
    let inner = 0;
    for (let j = 0; j < count; j++) inner += at(probabilities_BHTT, start + j) * at(dscores_BHTT, start + j);
    for (let j = 0; j < count; j++) {
      const difference = at(dscores_BHTT, start + j) - inner;
      dscores_BHTT[start + j] = (at(probabilities_BHTT, start + j) * difference) / Math.sqrt(D);
    }
    dscores_BHTT.fill(0, start + count, start + T);
  }
}

/** Sets columns of dqkv to zero. */
function clearColumns(dims: Dims, dqkv_BTE: Float64Array, [from, to]: readonly [from: number, to: number]): void {
  const sizes = attentionSizes(dims);
  const E = qkvWidth(sizes);
  for (let row = 0; row < sizes.B * sizes.T; row++) dqkv_BTE.fill(0, row * E + from, row * E + to);
}

/** y[0 ..] += factor * x[from ..] over one head's D entries. */
function addScaled(y: Float64Array, factor: number, x: { array: Float64Array; from: number; D: number }): void {
  for (let d = 0; d < x.D; d++) y[d] = at(y, d) + factor * at(x.array, x.from + d);
}

/** Twin of attention_query_backward. Shapes: dscores[B,H,T,T] qkv[B,T,E] -> dqkv[B,T,E], its q columns. */
export function attentionQueryBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, D } = sizes;
  const E = qkvWidth(sizes);
  const dscores_BHTT = doubles(tensors, 'dscores_BHTT');
  const array = doubles(tensors, 'qkv_BTE');
  const dqkv_BTE = doubles(tensors, 'dqkv_BTE');
  clearColumns(dims, dqkv_BTE, [0, H * D]);
  forEachCausalPair(sizes, (b, h, i, j) => {
    const from = (b * T + j) * E + keyColumn(sizes, h);
    const factor = at(dscores_BHTT, ((b * H + h) * T + i) * T + j);
    addScaled(dqkv_BTE.subarray((b * T + i) * E + h * D), factor, { array, from, D });
  });
}

/** Twin of attention_key_backward. Shapes: dscores[B,H,T,T] qkv[B,T,E] -> dqkv[B,T,E], its k columns. */
export function attentionKeyBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, G, D } = sizes;
  const E = qkvWidth(sizes);
  const dscores_BHTT = doubles(tensors, 'dscores_BHTT');
  const array = doubles(tensors, 'qkv_BTE');
  const dqkv_BTE = doubles(tensors, 'dqkv_BTE');
  clearColumns(dims, dqkv_BTE, [H * D, (H + G) * D]);
  forEachCausalPair(sizes, (b, h, i, j) => {
    const from = (b * T + i) * E + h * D;
    const factor = at(dscores_BHTT, ((b * H + h) * T + i) * T + j);
    addScaled(dqkv_BTE.subarray((b * T + j) * E + keyColumn(sizes, h)), factor, { array, from, D });
  });
}

/** Twin of attention_value_backward. Shapes: probabilities[B,H,T,T] dy[B,T,HD] -> dqkv[B,T,E], its v columns. */
export function attentionValueBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, G, D } = sizes;
  const E = qkvWidth(sizes);
  const probabilities_BHTT = doubles(tensors, 'probabilities_BHTT');
  const array = doubles(tensors, 'dy_BTC');
  const dqkv_BTE = doubles(tensors, 'dqkv_BTE');
  clearColumns(dims, dqkv_BTE, [(H + G) * D, E]);
  forEachCausalPair(sizes, (b, h, i, j) => {
    const from = (b * T + i) * H * D + h * D;
    const factor = at(probabilities_BHTT, ((b * H + h) * T + i) * T + j);
    addScaled(dqkv_BTE.subarray((b * T + j) * E + valueColumn(sizes, h)), factor, { array, from, D });
  });
}
