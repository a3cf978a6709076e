import { dimension } from '../dimension';
import { geluForwardTwin } from '../gelu/gelu.cpu';
import type { Dims } from '../kernel';
import { swigluForwardTwin } from '../swiglu/swiglu.cpu';
import { doubles, type TwinTensors } from '../twin-arrays';
import { matmulNnTwin, matmulNtTwin } from './matmul.cpu';

function elementCount(dims: Dims): Dims {
  return { L: dimension(dims, 'M') * dimension(dims, 'N') };
}

/** Twin of matmul_nn_gelu. Shapes: a[M,K] b[K,N] bias[N] -> c[M,N] y[M,N]. */
export function matmulNnGeluTwin(dims: Dims, tensors: TwinTensors): void {
  matmulNnTwin(dims, tensors);
  geluForwardTwin(elementCount(dims), { x_L: doubles(tensors, 'c_MN'), y_L: doubles(tensors, 'y_MN') });
}

/** Twin of matmul_nt_swiglu. Shapes: a[M,K] b[N,K] gate[M,N] -> c[M,N] y[M,N]. */
export function matmulNtSwigluTwin(dims: Dims, tensors: TwinTensors): void {
  matmulNtTwin(dims, tensors);
  const [gate_L, up_L] = [doubles(tensors, 'gate_MN'), doubles(tensors, 'c_MN')];
  swigluForwardTwin(elementCount(dims), { gate_L, up_L, y_L: doubles(tensors, 'y_MN') });
}
