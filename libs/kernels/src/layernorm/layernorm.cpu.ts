import { dimension, flag, real } from '../dimension';
import type { Dims } from '../kernel';
import { at, doubles, type TwinTensors } from '../twin-arrays';

/** Twin of layernorm_forward. Shapes: x[N,C] weight[C] bias[C] -> y[N,C] mean[N] rstd[N]. */
export function layernormForwardTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const C = dimension(dims, 'C');
  const x_NC = doubles(tensors, 'x_NC');
  const weight_C = doubles(tensors, 'weight_C');
  const bias_C = doubles(tensors, 'bias_C');
  const y_NC = doubles(tensors, 'y_NC');
  for (let row = 0; row < N; row++) {
    const x_C = x_NC.subarray(row * C, (row + 1) * C);
    const mean = x_C.reduce((sum, x) => sum + x, 0) / C;
    const variance = x_C.reduce((sum, x) => sum + (x - mean) ** 2, 0) / C;
    const rstd = 1 / Math.sqrt(variance + real(dims, 'eps'));
    for (let i = 0; i < C; i++) y_NC[row * C + i] = (at(x_C, i) - mean) * rstd * at(weight_C, i) + at(bias_C, i);
    doubles(tensors, 'mean_N')[row] = mean;
    doubles(tensors, 'rstd_N')[row] = rstd;
  }
}

/** Twin of layernorm_backward_input. Shapes: dy[N,C] x[N,C] weight[C] mean[N] rstd[N] residual[N,C] -> dx[N,C]. */
export function layernormBackwardInputTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const C = dimension(dims, 'C');
  const dy_NC = doubles(tensors, 'dy_NC');
  const x_NC = doubles(tensors, 'x_NC');
  const weight_C = doubles(tensors, 'weight_C');
  const residual_NC = flag(dims, 'residual') === 1 ? doubles(tensors, 'residual_NC') : undefined;
  const dx_NC = doubles(tensors, 'dx_NC');
  for (let row = 0; row < N; row++) {
    const mean = at(doubles(tensors, 'mean_N'), row);
    const rstd = at(doubles(tensors, 'rstd_N'), row);
    const g = (i: number): number => at(dy_NC, row * C + i) * at(weight_C, i);
    const normalised = (i: number): number => (at(x_NC, row * C + i) - mean) * rstd;
    let sumG = 0;
    let sumGn = 0;
    for (let i = 0; i < C; i++) {
      sumG += g(i);
      sumGn += g(i) * normalised(i);
    }
    for (let i = 0; i < C; i++) {
      const dx = rstd * (g(i) - sumG / C - (normalised(i) * sumGn) / C);
      dx_NC[row * C + i] = residual_NC === undefined ? dx : dx + at(residual_NC, row * C + i);
    }
  }
}

/** Twin of layernorm_backward_weight. Shapes: dy[N,C] x[N,C] mean[N] rstd[N] -> dweight[C] dbias[C]. */
export function layernormBackwardWeightTwin(dims: Dims, tensors: TwinTensors): void {
  const N = dimension(dims, 'N');
  const C = dimension(dims, 'C');
  const dy_NC = doubles(tensors, 'dy_NC');
  const x_NC = doubles(tensors, 'x_NC');
  const mean_N = doubles(tensors, 'mean_N');
  const rstd_N = doubles(tensors, 'rstd_N');
  const dweight_C = doubles(tensors, 'dweight_C');
  const dbias_C = doubles(tensors, 'dbias_C');
  const keep = flag(dims, 'accumulate');
  for (let i = 0; i < C; i++) {
    let sumWeight = 0;
    let sumBias = 0;
    for (let row = 0; row < N; row++) {
      const dy = at(dy_NC, row * C + i);
      sumWeight += dy * (at(x_NC, row * C + i) - at(mean_N, row)) * at(rstd_N, row);
      sumBias += dy;
    }
    dweight_C[i] = keep === 1 ? sumWeight + at(dweight_C, i) : sumWeight;
    dbias_C[i] = keep === 1 ? sumBias + at(dbias_C, i) : sumBias;
  }
}
