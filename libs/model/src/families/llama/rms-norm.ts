import type { Norm, NormPlaces } from '../../stage/norm';
import { gradientName, type StageContext } from '../../stage/stage-context';

/** Hugging Face's `rms_norm_eps`. */
const EPSILON = 1e-6;

export interface RmsNormRequest extends NormPlaces {
  /** The name of the norm's parameter. */
  readonly weight: string;
}

export function rmsNorm(
  { catalog, sizes, config }: StageContext,
  { output, statistics, weight }: RmsNormRequest,
): Norm {
  const { N, C } = sizes;
  const y_NC = catalog.declare(`${output.label}_NC`, [N, C], output.role);
  const rstd_N = catalog.declare(`${statistics.label}.rstd_N`, [N], statistics.role);
  return {
    y_NC,
    forward: (x_NC) => ({
      kernel: 'rmsnorm_forward',
      dims: { N, C, eps: config.normEps ?? EPSILON },
      tensors: { x_NC, weight_C: weight, y_NC, rstd_N },
    }),
    backwardInput: ({ x_NC, dy_NC, residual_NC, dx_NC }) => ({
      kernel: 'rmsnorm_backward_input',
      dims: { N, C, residual: residual_NC === undefined ? 0 : 1 },
      // An unused residual is bound to dy, which is only read.
      tensors: { dy_NC, x_NC, weight_C: weight, rstd_N, residual_NC: residual_NC ?? dy_NC, dx_NC },
    }),
    backwardWeight: ({ x_NC, dy_NC }) => ({
      kernel: 'rmsnorm_backward_weight',
      dims: { N, C, accumulate: 1 },
      tensors: { dy_NC, x_NC, rstd_N, dweight_C: gradientName(weight) },
    }),
  };
}
