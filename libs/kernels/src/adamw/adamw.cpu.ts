import { dimension, flag } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** Twin of adamw. Shapes: gradient[L] hyper[10] -> weight[L] m[L] v[L]. */
export function adamwTwin(dims: Dims, tensors: TwinTensors): void {
  const gradient_L = doubles(tensors, 'gradient_L');
  const hyper_10 = doubles(tensors, 'hyper_10');
  const weight_L = doubles(tensors, 'weight_L');
  const m_L = doubles(tensors, 'm_L');
  const v_L = doubles(tensors, 'v_L');
  const hyper = (index: number): number => at(hyper_10, index);
  const [lr, beta1, beta2, epsilon] = [hyper(0), hyper(1), hyper(2), hyper(3)];
  const [decay, correction1, correction2, clip] = [hyper(4), hyper(5), hyper(6), hyper(7)];
  const shrink = flag(dims, 'decay') === 1 ? 1 - lr * decay : 1;
  for (let index = 0; index < dimension(dims, 'L'); index++) {
    const g = at(gradient_L, index) * clip;
    const m = beta1 * at(m_L, index) + hyper(8) * g;
    const v = beta2 * at(v_L, index) + hyper(9) * g * g;
    m_L[index] = m;
    v_L[index] = v;
    const update = (lr * (m / correction1)) / (Math.sqrt(v / correction2) + epsilon);
    weight_L[index] = at(weight_L, index) * shrink - update;
  }
}
