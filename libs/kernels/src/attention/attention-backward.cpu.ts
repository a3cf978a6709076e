import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';
import { forEachCausalPair } from './attention.cpu';
import { attentionSizes } from './attention-sizes';

/** Twin of attention_scores_backward. Shapes: dy[B,T,HD] qkv[B,T,3HD] -> dscores[B,H,T,T] (lower triangle). */
export function attentionScoresBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, D } = sizes;
  const dy_BTC = doubles(tensors, 'dy_BTC');
  const qkv_BTE = doubles(tensors, 'qkv_BTE');
  const dscores_BHTT = doubles(tensors, 'dscores_BHTT');
  forEachCausalPair(sizes, (b, h, i, j) => {
    const dy = (b * T + i) * H * D + h * D;
    const v = (b * T + j) * 3 * H * D + (2 * H + h) * D;
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

/** Which third of qkv's columns: 0 queries, 1 keys, 2 values. */
type Part = 0 | 1 | 2;

/** Sets one third of dqkv's columns to zero and answers the offset of (b, t, h) in it. */
function clearPart(dims: Dims, dqkv_BTE: Float64Array, part: Part): (b: number, t: number, h: number) => number {
  const { B, T, H, D } = attentionSizes(dims);
  for (let row = 0; row < B * T; row++) dqkv_BTE.fill(0, (row * 3 + part) * H * D, (row * 3 + part + 1) * H * D);
  return (b, t, h) => ((b * T + t) * 3 + part) * H * D + h * D;
}

/** y[0 ..] += factor * x[from ..] over one head's D entries. */
function addScaled(y: Float64Array, factor: number, x: { array: Float64Array; from: number; D: number }): void {
  for (let d = 0; d < x.D; d++) y[d] = at(y, d) + factor * at(x.array, x.from + d);
}

/** Twin of attention_query_backward. Shapes: dscores[B,H,T,T] qkv[B,T,3HD] -> dqkv[B,T,3HD], its q columns. */
export function attentionQueryBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, D } = sizes;
  const dscores_BHTT = doubles(tensors, 'dscores_BHTT');
  const array = doubles(tensors, 'qkv_BTE');
  const dqkv_BTE = doubles(tensors, 'dqkv_BTE');
  const start = clearPart(dims, dqkv_BTE, 0);
  forEachCausalPair(sizes, (b, h, i, j) => {
    const from = (b * T + j) * 3 * H * D + (H + h) * D;
    const factor = at(dscores_BHTT, ((b * H + h) * T + i) * T + j);
    addScaled(dqkv_BTE.subarray(start(b, i, h)), factor, { array, from, D });
  });
}

/** Twin of attention_key_backward. Shapes: dscores[B,H,T,T] qkv[B,T,3HD] -> dqkv[B,T,3HD], its k columns. */
export function attentionKeyBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, D } = sizes;
  const dscores_BHTT = doubles(tensors, 'dscores_BHTT');
  const array = doubles(tensors, 'qkv_BTE');
  const dqkv_BTE = doubles(tensors, 'dqkv_BTE');
  const start = clearPart(dims, dqkv_BTE, 1);
  forEachCausalPair(sizes, (b, h, i, j) => {
    const from = (b * T + i) * 3 * H * D + h * D;
    const factor = at(dscores_BHTT, ((b * H + h) * T + i) * T + j);
    addScaled(dqkv_BTE.subarray(start(b, j, h)), factor, { array, from, D });
  });
}

/** Twin of attention_value_backward. Shapes: probabilities[B,H,T,T] dy[B,T,HD] -> dqkv[B,T,3HD], its v columns. */
export function attentionValueBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const sizes = attentionSizes(dims);
  const { T, H, D } = sizes;
  const probabilities_BHTT = doubles(tensors, 'probabilities_BHTT');
  const array = doubles(tensors, 'dy_BTC');
  const dqkv_BTE = doubles(tensors, 'dqkv_BTE');
  const start = clearPart(dims, dqkv_BTE, 2);
  forEachCausalPair(sizes, (b, h, i, j) => {
    const from = (b * T + i) * H * D + h * D;
    const factor = at(probabilities_BHTT, ((b * H + h) * T + i) * T + j);
    addScaled(dqkv_BTE.subarray(start(b, j, h)), factor, { array, from, D });
  });
}
