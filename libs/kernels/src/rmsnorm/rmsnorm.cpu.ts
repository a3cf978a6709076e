import { dimension, flag, real } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** Twin of rmsnorm_forward. Shapes: x[N,C] weight[C] -> y[N,C] rstd[N]. */
export function rmsnormForwardTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const C = dimension(dims, 'C');
  const x_NC = doubles(tensors, 'x_NC');
  const weight_C = doubles(tensors, 'weight_C');
  const y_NC = doubles(tensors, 'y_NC');
  for (let row = 0; row < N; row++) {
    const x_C = x_NC.subarray(row * C, (row + 1) * C);
    const square = x_C.reduce((sum, x) => sum + x * x, 0) / C;
    const rstd = 1 / Math.sqrt(square + real(dims, 'eps'));
    for (let i = 0; i < C; i++) y_NC[row * C + i] = at(x_C, i) * rstd * at(weight_C, i);
    doubles(tensors, 'rstd_N')[row] = rstd;
  }
}

/** Twin of rmsnorm_backward_input. Shapes: dy[N,C] x[N,C] weight[C] rstd[N] residual[N,C] -> dx[N,C]. */
export function rmsnormBackwardInputTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const C = dimension(dims, 'C');
  const dy_NC = doubles(tensors, 'dy_NC');
  const x_NC = doubles(tensors, 'x_NC');
  const weight_C = doubles(tensors, 'weight_C');
  const residual_NC = flag(dims, 'residual') === 1 ? doubles(tensors, 'residual_NC') : undefined;
  const dx_NC = doubles(tensors, 'dx_NC');
  for (let row = 0; row < N; row++) {
    const rstd = at(doubles(tensors, 'rstd_N'), row);
    const g = (i: number): number => at(dy_NC, row * C + i) * at(weight_C, i);
    const normalised = (i: number): number => at(x_NC, row * C + i) * rstd;
    let sumGn = 0;
    for (let i = 0; i < C; i++) sumGn += g(i) * normalised(i);
    for (let i = 0; i < C; i++) {
      const dx = rstd * (g(i) - (normalised(i) * sumGn) / C);
      dx_NC[row * C + i] = residual_NC === undefined ? dx : dx + at(residual_NC, row * C + i);
    }
  }
}

/** Twin of rmsnorm_backward_weight. Shapes: dy[N,C] x[N,C] rstd[N] -> dweight[C]. */
export function rmsnormBackwardWeightTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const C = dimension(dims, 'C');
  const dy_NC = doubles(tensors, 'dy_NC');
  const x_NC = doubles(tensors, 'x_NC');
  const rstd_N = doubles(tensors, 'rstd_N');
  const dweight_C = doubles(tensors, 'dweight_C');
  for (let i = 0; i < C; i++) {
    let sum = 0;
    for (let row = 0; row < N; row++) sum += at(dy_NC, row * C + i) * at(x_NC, row * C + i) * at(rstd_N, row);
    dweight_C[i] = flag(dims, 'accumulate') === 1 ? sum + at(dweight_C, i) : sum;
  }
}
