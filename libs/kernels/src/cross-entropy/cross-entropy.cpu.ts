import { dimension, position } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, integers, type TwinTensors } from '../twin-arrays';
import { IGNORED_TARGET } from './ignored-target';

/** Twin of cross_entropy_forward. Shapes: logits[N,V] targets[N] -> loss[N] lse[N]. */
export function crossEntropyForwardTwin(dims: Dims, tensors: TwinTensors): void {
  const V = dimension(dims, 'V');
  const logits_NV = doubles(tensors, 'logits_NV');
  const targets_N = integers(tensors, 'targets_N');
  const loss_N = doubles(tensors, 'loss_N');
  const lse_N = doubles(tensors, 'lse_N');
  for (let row = 0; row < dimension(dims, 'N'); row++) {
    const logits_V = logits_NV.subarray(row * V, (row + 1) * V);
    const maximum = logits_V.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const lse = maximum + Math.log(logits_V.reduce((sum, logit) => sum + Math.exp(logit - maximum), 0));
    lse_N[row] = lse;
    const target = at(targets_N, row);
    loss_N[row] = target === IGNORED_TARGET ? 0 : lse - at(logits_V, target);
  }
}

/** Twin of cross_entropy_backward. Shapes: logits[N,V] targets[N] lse[N] scale[1] -> dlogits[N,V]. */
export function crossEntropyBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const V = dimension(dims, 'V');
  const logits_NV = doubles(tensors, 'logits_NV');
  const targets_N = integers(tensors, 'targets_N');
  const lse_N = doubles(tensors, 'lse_N');
  const scale = at(doubles(tensors, 'scale_1'), 0);
  const dlogits_NV = doubles(tensors, 'dlogits_NV');
  for (let index = 0; index < dimension(dims, 'N') * V; index++) {
    const row = Math.floor(index / V);
    const softmax = Math.exp(at(logits_NV, index) - at(lse_N, row));
    const target = at(targets_N, row);
    dlogits_NV[index] = target === IGNORED_TARGET ? 0 : (softmax - (index % V === target ? 1 : 0)) * scale;
  }
}

/** Twin of cross_entropy_gradient. Shapes: targets[N] lse[N] scale[1] -> logits[N,V], which become their gradient. */
export function crossEntropyGradientTwin(dims: Dims, tensors: TwinTensors): void {
  const V = dimension(dims, 'V');
  const first = position(dims, 'first');
  const targets_N = integers(tensors, 'targets_N');
  const lse_N = doubles(tensors, 'lse_N');
  const scale = at(doubles(tensors, 'scale_1'), 0);
  const logits_NV = doubles(tensors, 'logits_NV');
  for (let index = 0; index < dimension(dims, 'N') * V; index++) {
    const row = Math.floor(index / V);
    const softmax = Math.exp(at(logits_NV, index) - at(lse_N, row));
    const target = at(targets_N, row);
    logits_NV[index] = target === IGNORED_TARGET ? 0 : (softmax - (first + (index % V) === target ? 1 : 0)) * scale;
  }
}
