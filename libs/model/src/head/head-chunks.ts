import type { ProgramStep } from '@millrace/kernels';
import { type TensorView, viewAlignment } from '@millrace/tensor';
import { headGradientName, headWeightName } from '../parameters';
import type { StageContext } from '../stage/stage-context';

/**
 * Logits of more bytes than this are not kept. The loss is taken of so many of their rows at a time, the gradients of
 * so many of their columns, in one buffer that all programs of a stage share. It is what every adapter binds.
 */
export const HEAD_BYTES_MAX = 128 * 1024 * 1024;

const BUFFER = 'scratch.logits_L';

/** The tensors that rows and columns of the head are computed from. */
export interface ChunkedHead {
  /** The normalised rows. */
  readonly norm_NC: string;
  readonly lse_N: string;
}

export interface ChunkedHeadGradients extends ChunkedHead {
  readonly targets_N: string;
  readonly scale_1: string;
}

/** Whether the logits of a micro-batch are too large to be kept. */
export function isHeadChunked({ sizes: { N, V }, headBytesMax }: StageContext): boolean {
  return 4 * N * V > headBytesMax;
}

interface Range {
  readonly first: number;
  readonly count: number;
}

/** Consecutive ranges of `size` things of `width` elements, each as long as the buffer allows. */
function ranges(size: number, width: number, { headBytesMax, precision }: StageContext): Range[] {
  // Parts of rows and of columns begin where views may begin.
  const alignment = viewAlignment(precision);
  const fitting = Math.floor(headBytesMax / 4 / width / alignment) * alignment;
  const length = Math.min(size, Math.max(alignment, fitting));
  return Array.from({ length: Math.ceil(size / length) }, (_, index) => {
    const first = index * length;
    return { first, count: Math.min(length, size - first) };
  });
}

function rows(tensor: string, { first, count }: Range, width = 1): TensorView {
  return { tensor, offset: first * width, length: count * width };
}

/** The first elements of the buffer, which is as large as the largest of both kinds of parts. */
function bufferOf(context: StageContext, length: number): TensorView {
  const { N, V } = context.sizes;
  const rowCount = ranges(N, V, context)[0]!.count;
  const columnCount = ranges(V, N, context)[0]!.count;
  const shape = [Math.max(rowCount * V, N * columnCount)];
  return { tensor: context.catalog.declare(BUFFER, shape, 'scratch'), offset: 0, length };
}

/** F after the norm: logits and loss, some rows at a time. */
export function chunkedLoss(
  context: StageContext,
  { norm_NC, lse_N, loss_N, targets_N }: ChunkedHead & { readonly loss_N: string; readonly targets_N: string },
): ProgramStep[] {
  const { N, C, V } = context.sizes;
  return ranges(N, V, context).flatMap((range): ProgramStep[] => {
    const logits_NV = bufferOf(context, range.count * V);
    const weight = headWeightName(context.config);
    const norms = rows(norm_NC, range, C);
    return [
      {
        kernel: 'matmul_nt',
        dims: { M: range.count, K: C, N: V, stride: V, residual: 0, accumulate: 0 },
        // The residual is unused, and bound to what is only read.
        tensors: { a_MK: norms, b_NK: weight, residual_MN: norms, c_MN: logits_NV },
      },
      {
        kernel: 'cross_entropy_forward',
        dims: { N: range.count, V },
        tensors: {
          logits_NV,
          targets_N: rows(targets_N, range),
          loss_N: rows(loss_N, range),
          lse_N: rows(lse_N, range),
        },
      },
    ];
  });
}

/** The gradients of some columns of the logits, for the step that uses them. */
function columnGradients(
  context: StageContext,
  t: ChunkedHeadGradients,
  use: (range: Range, gradients: TensorView) => ProgramStep,
): ProgramStep[] {
  const { N, C, V } = context.sizes;
  return ranges(V, N, context).flatMap((range): ProgramStep[] => {
    const columns = bufferOf(context, N * range.count);
    const weight = rows(headWeightName(context.config), range, C);
    return [
      {
        kernel: 'matmul_nt',
        dims: { M: N, K: C, N: range.count, stride: range.count, residual: 0, accumulate: 0 },
        tensors: { a_MK: t.norm_NC, b_NK: weight, residual_MN: t.norm_NC, c_MN: columns },
      },
      {
        kernel: 'cross_entropy_gradient',
        dims: { N, V: range.count, first: range.first },
        tensors: { targets_N: t.targets_N, lse_N: t.lse_N, scale_1: t.scale_1, logits_NV: columns },
      },
      use(range, columns),
    ];
  });
}

/** I before the norm: its gradient, whose sums over the vocabulary go on from columns to columns. */
export function chunkedNormGradient(
  context: StageContext,
  { dnorm_NC, ...t }: ChunkedHeadGradients & { readonly dnorm_NC: string },
): ProgramStep[] {
  const { N, C } = context.sizes;
  return columnGradients(context, t, (range, gradients) => ({
    kernel: 'matmul_nn',
    dims: {
      ...{ M: N, K: range.count, N: C, stride: range.count },
      ...{ bias: 0, residual: 0, accumulate: 0, continued: range.first > 0 ? 1 : 0 },
    },
    // Bias and residual are unused, and bound to something that is only read.
    tensors: {
      a_MK: gradients,
      b_KN: rows(headWeightName(context.config), range, C),
      bias_N: gradients,
      residual_MN: gradients,
      c_MN: dnorm_NC,
    },
  }));
}

/** W: adds the gradient of the head's weight, some of its rows at a time, to what is there. */
export function chunkedWeightGradient(context: StageContext, t: ChunkedHeadGradients): ProgramStep[] {
  const { N, C } = context.sizes;
  return columnGradients(context, t, (range, gradients) => ({
    kernel: 'matmul_tn',
    dims: { M: range.count, K: N, N: C, stride: range.count, accumulate: 1 },
    tensors: { a_KM: gradients, b_KN: t.norm_NC, c_MN: rows(headGradientName(context.config), range, C) },
  }));
}
