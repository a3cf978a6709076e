import type { ProgramStep, TensorRole } from '@millrace/kernels';
import type { TensorCatalog } from '../tensor-catalog';
import { gradientName, type StageContext } from './stage-context';

/** What a LayerNorm writes. */
export interface NormTensors {
  readonly y_NC: string;
  readonly mean_N: string;
  readonly rstd_N: string;
}

export function normTensors(catalog: TensorCatalog, label: string, [N, C]: readonly [number, number], role: TensorRole): NormTensors {
  return {
    y_NC: catalog.declare(`${label}_NC`, [N, C], role),
    mean_N: catalog.declare(`${label}.mean_N`, [N], role),
    rstd_N: catalog.declare(`${label}.rstd_N`, [N], role),
  };
}

export function norm({ sizes: { N, C } }: StageContext, weight: string, x_NC: string, t: NormTensors): ProgramStep {
  const weights = { weight_C: `${weight}.weight`, bias_C: `${weight}.bias` };
  return { kernel: 'layernorm_forward', dims: { N, C }, tensors: { x_NC, ...weights, y_NC: t.y_NC, mean_N: t.mean_N, rstd_N: t.rstd_N } };
}

export interface NormInputGradient {
  readonly x: string;
  readonly dy: string;
  /** Gradient that reaches x past the norm; added. */
  readonly residual?: string;
  readonly dx: string;
}

export function normInputGradient(
  { sizes: { N, C } }: StageContext, weight: string, t: NormTensors, { x, dy, residual, dx }: NormInputGradient,
): ProgramStep {
  return {
    kernel: 'layernorm_backward_input',
    dims: { N, C, residual: residual === undefined ? 0 : 1 },
    tensors: {
      dy_NC: dy, x_NC: x, weight_C: `${weight}.weight`, mean_N: t.mean_N, rstd_N: t.rstd_N, residual_NC: residual ?? dy, dx_NC: dx,
    },
  };
}

export function normWeightGradient(
  { sizes: { N, C } }: StageContext, weight: string, t: NormTensors, { x, dy }: { x: string; dy: string },
): ProgramStep {
  return {
    kernel: 'layernorm_backward_weight',
    dims: { N, C, accumulate: 1 },
    tensors: {
      dy_NC: dy, x_NC: x, mean_N: t.mean_N, rstd_N: t.rstd_N,
      dweight_C: gradientName(`${weight}.weight`), dbias_C: gradientName(`${weight}.bias`),
    },
  };
}
