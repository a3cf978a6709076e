import { dimension, flag } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** hyper[4] and the factor by which decay shrinks the weight. */
function settings(dims: Dims, tensors: TwinTensors): { lr: number; momentum: number; clip: number; shrink: number } {
  const hyper_4 = doubles(tensors, 'hyper_4');
  const [lr, momentum, decay, clip] = [at(hyper_4, 0), at(hyper_4, 1), at(hyper_4, 2), at(hyper_4, 3)];
  return { lr, momentum, clip, shrink: flag(dims, 'decay') === 1 ? 1 - lr * decay : 1 };
}

/** Twin of sgd. Shapes: gradient[L] hyper[4] -> weight[L]. */
export function sgdTwin(dims: Dims, tensors: TwinTensors): void {
  const { lr, clip, shrink } = settings(dims, tensors);
  const gradient_L = doubles(tensors, 'gradient_L');
  const weight_L = doubles(tensors, 'weight_L');
  for (let index = 0; index < dimension(dims, 'L'); index++) {
    weight_L[index] = at(weight_L, index) * shrink - lr * (at(gradient_L, index) * clip);
  }
}

/** Twin of sgd_momentum. Shapes: gradient[L] hyper[4] -> weight[L] momentum[L]. */
export function sgdMomentumTwin(dims: Dims, tensors: TwinTensors): void {
  const { lr, momentum, clip, shrink } = settings(dims, tensors);
  const gradient_L = doubles(tensors, 'gradient_L');
  const weight_L = doubles(tensors, 'weight_L');
  const momentum_L = doubles(tensors, 'momentum_L');
  for (let index = 0; index < dimension(dims, 'L'); index++) {
    const buffer = momentum * at(momentum_L, index) + at(gradient_L, index) * clip;
    momentum_L[index] = buffer;
    weight_L[index] = at(weight_L, index) * shrink - lr * buffer;
  }
}
