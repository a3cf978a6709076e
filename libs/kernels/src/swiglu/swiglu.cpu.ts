import { dimension } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Twin of swiglu_forward. Shapes: gate[L] up[L] -> y[L]. */
export function swigluForwardTwin(dims: Dims, tensors: TwinTensors): void {
  const gate_L = doubles(tensors, 'gate_L');
  const up_L = doubles(tensors, 'up_L');
  const y_L = doubles(tensors, 'y_L');
  for (let index = 0; index < dimension(dims, 'L'); index++) {
    const gate = at(gate_L, index);
    y_L[index] = gate * sigmoid(gate) * at(up_L, index);
  }
}

/** Twin of swiglu_backward. Shapes: gate[L] up[L] dy[L] -> dgate[L] dup[L]. */
export function swigluBackwardTwin(dims: Dims, tensors: TwinTensors): void {
  const gate_L = doubles(tensors, 'gate_L');
  const up_L = doubles(tensors, 'up_L');
  const dy_L = doubles(tensors, 'dy_L');
  const dgate_L = doubles(tensors, 'dgate_L');
  const dup_L = doubles(tensors, 'dup_L');
  for (let index = 0; index < dimension(dims, 'L'); index++) {
    const gate = at(gate_L, index);
    const dy = at(dy_L, index);
    const s = sigmoid(gate);
    dgate_L[index] = dy * at(up_L, index) * s * (1 + gate * (1 - s));
    dup_L[index] = dy * gate * s;
  }
}
