import type { ProgramStep } from '@millrace/kernels';
import { familyOf } from '../families/families';
import { headGradientName, headWeightName } from '../parameters';
import {
  chunkedLoss,
  type ChunkedHeadGradients,
  chunkedNormGradient,
  chunkedWeightGradient,
  isHeadChunked,
} from './head-chunks';
import type { Norm } from '../stage/norm';
import { type Place, SCRATCH } from '../stage/place';
import type { StageContext } from '../stage/stage-context';

export const TARGETS = 'targets_N';
export const LOSS = 'loss_N';
/** Scalar that multiplies the gradient of every row's loss: 1 / tokens of the step. */
export const LOSS_SCALE = 'loss_scale_1';
/** Logits as the output of the generation program. */
export const LOGITS = 'output.logits_NV';

/** Final norm, projection onto the vocabulary, and cross entropy by row. */
export interface HeadTensors {
  readonly norm: Norm;
  /** Undefined where they are computed in parts and not kept. */
  readonly logits_NV: string | undefined;
  readonly lse_N: string;
}

/** Where the tensors of the head's forward are. */
export interface HeadPlaces {
  readonly norm: Place;
  readonly logits: Place;
  readonly lse: Place;
}

const KEPT: Place = { label: 'head', role: 'saved' };

export const SCRATCH_HEAD: HeadPlaces = { norm: SCRATCH, logits: SCRATCH, lse: SCRATCH };
/** Everything is kept from F to W. */
export const KEPT_HEAD: HeadPlaces = { norm: KEPT, logits: KEPT, lse: KEPT };
/** F of a head that is computed again: N numbers of log-sum-exp save the second pass the softmax. */
export const DROPPED_HEAD: HeadPlaces = { ...SCRATCH_HEAD, lse: KEPT };
/** I computes the head again; W reads the norm. */
export const RECOMPUTED_HEAD: HeadPlaces = { ...DROPPED_HEAD, norm: { label: 'head', role: 'deferred' } };

export function headTensors(context: StageContext, { norm: normPlace, logits, lse }: HeadPlaces): HeadTensors {
  const {
    catalog,
    sizes: { N, V },
  } = context;
  return {
    norm: familyOf(context.config).programs.finalNorm(context, normPlace),
    logits_NV: isHeadChunked(context) ? undefined : catalog.declare(`${logits.label}.logits_NV`, [N, V], logits.role),
    lse_N: catalog.declare(`${lse.label}.lse_N`, [N], lse.role),
  };
}

/** From the normalised rows to the logits. */
export function logitsOf(context: StageContext, norm: Norm, logits_NV: string): ProgramStep {
  const { N, C, V } = context.sizes;
  return {
    kernel: 'matmul_nt',
    dims: { M: N, K: C, N: V, residual: 0, accumulate: 0 },
    // The residual is unused, and bound to what is only read.
    tensors: { a_MK: norm.y_NC, b_NK: headWeightName(context.config), residual_MN: norm.y_NC, c_MN: logits_NV },
  };
}

/** Computes again what a forward that wrote to scratch did not keep for I and W. */
export function headRecompute(context: StageContext, { norm, logits_NV }: HeadTensors, x_NC: string): ProgramStep[] {
  return [norm.forward(x_NC), ...(logits_NV === undefined ? [] : [logitsOf(context, norm, logits_NV)])];
}

function declareTargets({ catalog, sizes: { N } }: StageContext): string {
  return catalog.declareIds(TARGETS, [N], 'input');
}

export function headForward(context: StageContext, t: HeadTensors, x_NC: string): ProgramStep[] {
  const { N, V } = context.sizes;
  const loss_N = context.catalog.declare(LOSS, [N], 'output');
  const targets_N = declareTargets(context);
  const { norm, logits_NV, lse_N } = t;
  if (logits_NV === undefined) {
    return [norm.forward(x_NC), ...chunkedLoss(context, { norm_NC: norm.y_NC, lse_N, loss_N, targets_N })];
  }
  return [
    norm.forward(x_NC),
    logitsOf(context, norm, logits_NV),
    { kernel: 'cross_entropy_forward', dims: { N, V }, tensors: { logits_NV, targets_N, loss_N, lse_N } },
  ];
}

function logitsGradient({ catalog, sizes: { N, V } }: StageContext): string {
  return catalog.declare('head.logits.grad_NV', [N, V], 'deferred');
}

function normGradient({ catalog, sizes: { N, C } }: StageContext): string {
  return catalog.declare('head.norm.grad_NC', [N, C], 'deferred');
}

/**
 * The gradient of the norm's rows: sums over the vocabulary, some of it at a time if the logits are not kept. They are
 * added up in f32 and rounded once.
 */
function normGradientSteps(context: StageContext, sums: (dnorm_NC: string) => ProgramStep[]): ProgramStep[] {
  const { catalog, precision, sizes } = context;
  const dnorm_NC = normGradient(context);
  if (precision === 'f32') return sums(dnorm_NC);
  const { N, C } = sizes;
  const sums_NC = catalog.declare('scratch.head.norm.grad_NC', [N, C], 'scratch');
  return [...sums(sums_NC), { kernel: 'narrow', dims: { L: N * C }, tensors: { x_L: sums_NC, y_L: dnorm_NC } }];
}

function chunkedGradients(context: StageContext, { norm, lse_N }: HeadTensors): ChunkedHeadGradients {
  const scale_1 = context.catalog.declare(LOSS_SCALE, [1], 'scalar');
  return { norm_NC: norm.y_NC, lse_N, targets_N: declareTargets(context), scale_1 };
}

/** I: from the loss to the gradient of the last residual stream. */
export function headBackwardInput(
  context: StageContext,
  t: HeadTensors,
  { x_NC, dx_NC }: { x_NC: string; dx_NC: string },
): ProgramStep[] {
  const { N, C, V } = context.sizes;
  const normInput = t.norm.backwardInput({ x_NC, dy_NC: normGradient(context), dx_NC });
  if (t.logits_NV === undefined) {
    const gradients = chunkedGradients(context, t);
    const sums = (dnorm_NC: string): ProgramStep[] => chunkedNormGradient(context, { ...gradients, dnorm_NC });
    return [...normGradientSteps(context, sums), normInput];
  }
  const dlogits_NV = logitsGradient(context);
  const scale_1 = context.catalog.declare(LOSS_SCALE, [1], 'scalar');
  const logits = { logits_NV: t.logits_NV, targets_N: declareTargets(context), lse_N: t.lse_N };
  return [
    { kernel: 'cross_entropy_backward', dims: { N, V }, tensors: { ...logits, scale_1, dlogits_NV } },
    ...normGradientSteps(context, (dnorm_NC) => [
      {
        kernel: 'matmul_nn',
        dims: { M: N, K: V, N: C, bias: 0, residual: 0, accumulate: 0 },
        // Bias and residual are unused, and bound to tensors that are only read.
        tensors: {
          a_MK: dlogits_NV,
          b_KN: headWeightName(context.config),
          bias_N: dlogits_NV,
          residual_MN: dlogits_NV,
          c_MN: dnorm_NC,
        },
      },
    ]),
    normInput,
  ];
}

/** W: adds the gradients of the head's weight and the final norm to what is there. */
export function headBackwardWeight(context: StageContext, t: HeadTensors, x_NC: string): ProgramStep[] {
  const { N, C, V } = context.sizes;
  const normWeight = t.norm.backwardWeight({ x_NC, dy_NC: normGradient(context) });
  if (t.logits_NV === undefined) {
    return [...chunkedWeightGradient(context, chunkedGradients(context, t)), normWeight];
  }
  return [
    {
      kernel: 'matmul_tn',
      dims: { M: V, K: N, N: C, accumulate: 1 },
      tensors: { a_KM: logitsGradient(context), b_KN: t.norm.y_NC, c_MN: headGradientName(context.config) },
    },
    normWeight,
  ];
}
