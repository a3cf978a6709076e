import type { Norm, NormPlaces } from '../../stage/norm';
import { gradientName, type StageContext } from '../../stage/stage-context';

export interface LayerNormRequest extends NormPlaces {
  /** The name of the norm's parameters without `.weight` and `.bias`. */
  readonly weight: string;
}

/** Hugging Face's `layer_norm_epsilon`. */
const EPSILON = 1e-5;

export function layerNorm(
  { catalog, sizes, config }: StageContext,
  { output, statistics, weight }: LayerNormRequest,
): Norm {
  const { N, C } = sizes;
  const y_NC = catalog.declare(`${output.label}_NC`, [N, C], output.role);
  const mean_N = catalog.declare(`${statistics.label}.mean_N`, [N], statistics.role);
  const rstd_N = catalog.declare(`${statistics.label}.rstd_N`, [N], statistics.role);
  const weight_C = `${weight}.weight`;
  const bias_C = `${weight}.bias`;
  return {
    y_NC,
    forward: (x_NC) => ({
      kernel: 'layernorm_forward',
      dims: { N, C, eps: config.normEps ?? EPSILON },
      tensors: { x_NC, weight_C, bias_C, y_NC, mean_N, rstd_N },
    }),
    backwardInput: ({ x_NC, dy_NC, residual_NC, dx_NC }) => ({
      kernel: 'layernorm_backward_input',
      dims: { N, C, residual: residual_NC === undefined ? 0 : 1 },
      // An unused residual is bound to dy, which is only read.
      tensors: { dy_NC, x_NC, weight_C, mean_N, rstd_N, residual_NC: residual_NC ?? dy_NC, dx_NC },
    }),
    backwardWeight: ({ x_NC, dy_NC }) => ({
      kernel: 'layernorm_backward_weight',
      dims: { N, C, accumulate: 1 },
      tensors: { dy_NC, x_NC, mean_N, rstd_N, dweight_C: gradientName(weight_C), dbias_C: gradientName(bias_C) },
    }),
  };
}
