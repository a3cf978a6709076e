import type { ProgramStep, TensorRole } from '@millrace/kernels';
import { gradientName, type StageContext } from './stage-context';

/** What a LayerNorm writes. */
export interface NormTensors {
  readonly y_NC: string;
  readonly mean_N: string;
  readonly rstd_N: string;
}

export function normTensors({ catalog, sizes }: StageContext, label: string, role: TensorRole): NormTensors {
  const { N, C } = sizes;
  return {
    y_NC: catalog.declare(`${label}_NC`, [N, C], role),
    mean_N: catalog.declare(`${label}.mean_N`, [N], role),
    rstd_N: catalog.declare(`${label}.rstd_N`, [N], role),
  };
}

export interface NormForward extends NormTensors {
  /** Name without `.weight` and `.bias`. */
  readonly weight: string;
  readonly x: string;
}

export function norm({ sizes: { N, C } }: StageContext, { weight, x, y_NC, mean_N, rstd_N }: NormForward): ProgramStep {
  return {
    kernel: 'layernorm_forward',
    dims: { N, C },
    tensors: { x_NC: x, weight_C: `${weight}.weight`, bias_C: `${weight}.bias`, y_NC, mean_N, rstd_N },
  };
}

export interface NormInputGradient extends NormForward {
  readonly dy: string;
  /** The gradient that reaches x past the norm, which is added. */
  readonly residual?: string;
  readonly dx: string;
}

export function normInputGradient({ sizes: { N, C } }: StageContext, gradient: NormInputGradient): ProgramStep {
  const { weight, x, mean_N, rstd_N, dy, residual, dx } = gradient;
  return {
    kernel: 'layernorm_backward_input',
    dims: { N, C, residual: residual === undefined ? 0 : 1 },
    // An unused residual is bound to dy, which is only read.
    tensors: {
      dy_NC: dy,
      x_NC: x,
      weight_C: `${weight}.weight`,
      mean_N,
      rstd_N,
      residual_NC: residual ?? dy,
      dx_NC: dx,
    },
  };
}

export interface NormWeightGradient extends NormForward {
  readonly dy: string;
}

export function normWeightGradient({ sizes: { N, C } }: StageContext, gradient: NormWeightGradient): ProgramStep {
  const { weight, x, mean_N, rstd_N, dy } = gradient;
  return {
    kernel: 'layernorm_backward_weight',
    dims: { N, C, accumulate: 1 },
    tensors: {
      dy_NC: dy,
      x_NC: x,
      mean_N,
      rstd_N,
      dweight_C: gradientName(`${weight}.weight`),
      dbias_C: gradientName(`${weight}.bias`),
    },
  };
}
