import { greatestCommonDivisor } from '@millrace/core';
import {
  type AxisCut,
  type AxisRange,
  bindingShape,
  type Dims,
  isRead,
  type Kernel,
  type KernelBinding,
  type Operation,
} from '@millrace/kernels';
import { elementCount, type TensorView, viewAlignment } from '@millrace/tensor';

/** What an operation binds, as views, by binding name. */
export type BoundViews = Readonly<Record<string, TensorView>>;

/** Elements from the beginning of one row of a binding to that of the next; undefined if the axis does not cut rows. */
export function rowLength(binding: KernelBinding, cut: AxisCut, dims: Dims): number | undefined {
  const own = cut.rows?.[binding.name];
  if (own !== undefined) return own(dims);
  const suffix = binding.name.slice(binding.name.lastIndexOf('_') + 1);
  if (!suffix.startsWith(cut.axis)) return undefined;
  const [, ...row] = bindingShape(binding.name, dims);
  if (binding.strided) return dims['stride'] ?? row[0]!;
  return elementCount(row);
}

function isCutIntoColumns({ name, strided }: KernelBinding, { axis }: AxisCut): boolean {
  return strided === true && name.endsWith(axis) && !name.endsWith(`_${axis}`);
}

/**
 * Ranges of the axis may begin at multiples of this number: then every view of a part begins where a binding may.
 * It is a power of two, as alignments are.
 */
export function rangeAlignment(kernel: Kernel, cut: AxisCut, dims: Dims): number {
  const needed = (binding: KernelBinding): number => {
    const length = isCutIntoColumns(binding, cut) ? 1 : rowLength(binding, cut, dims);
    const alignment = viewAlignment(binding.dtype);
    return length === undefined ? 1 : alignment / greatestCommonDivisor(alignment, length);
  };
  return Math.max(...kernel.bindings.map(needed));
}

/** The beginning of a view, for a binding that is left unread. */
export function shortView({ dtype }: KernelBinding, view: TensorView): TensorView {
  return { ...view, length: Math.min(view.length, viewAlignment(dtype)) };
}

export interface CutRequest {
  readonly kernel: Kernel;
  readonly operation: Operation;
  readonly views: BoundViews;
  readonly cut: AxisCut;
}

/** The part of an operation that a range of the axis makes. */
export function operationPart({ kernel, operation, views, cut }: CutRequest, range: AxisRange): Operation {
  const { dims } = operation;
  const count = range.end - range.first;
  const part = { ...dims, [cut.axis]: count, ...cut.part?.(dims, range) };
  const tensors = kernel.bindings.map((binding) => {
    const whole = views[binding.name]!;
    // What is left unread may be shorter than its name says.
    if (!isRead(binding, dims)) return [binding.name, shortView(binding, whole)];
    const rows = rowLength(binding, cut, dims);
    if (isCutIntoColumns(binding, cut)) {
      const [rowCount = 1] = bindingShape(binding.name, dims);
      const length = (rowCount - 1) * part['stride']! + count;
      return [binding.name, { ...whole, offset: whole.offset + range.first, length }];
    }
    if (rows === undefined) return [binding.name, operation.tensors[binding.name]];
    // Behind its last row a matrix with strides ends, and so does a tensor whose last row is shorter.
    const lastRow = binding.strided ? bindingShape(binding.name, dims)[1]! : rows;
    const length = Math.min((count - 1) * rows + lastRow, whole.length - range.first * rows);
    return [binding.name, { ...whole, offset: whole.offset + range.first * rows, length }];
  });
  return { kernel: operation.kernel, dims: part, tensors: Object.fromEntries(tensors) as Operation['tensors'] };
}
