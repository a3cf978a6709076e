import { type DType, DTYPE_BYTES } from './dtype';
import { elementCount, type Shape } from './shape';

/** Consecutive elements of a tensor, which an operation takes in the place of a whole tensor. */
export interface TensorView {
  /** The tensor's name. */
  readonly tensor: string;
  /** The first element; its byte is a multiple of VIEW_ALIGNMENT_BYTES. */
  readonly offset: number;
  /** The number of elements. */
  readonly length: number;
}

/** A tensor's name, which stands for all of it, or a view. */
export type TensorRef = string | TensorView;

/** A binding may begin at a multiple of it on every adapter: no `minStorageBufferOffsetAlignment` is larger. */
export const VIEW_ALIGNMENT_BYTES = 256;

/** Views of a tensor of this type begin at multiples of so many elements. */
export function viewAlignment(dtype: DType): number {
  return VIEW_ALIGNMENT_BYTES / DTYPE_BYTES[dtype];
}

/** The name of the tensor that a reference means, in part or as a whole. */
export function tensorOf(ref: TensorRef): string {
  return typeof ref === 'string' ? ref : ref.tensor;
}

/** What a reference means, as a view: a name stands for all elements of the tensor. */
export function viewOf(ref: TensorRef, shape: Shape): TensorView {
  return typeof ref === 'string' ? { tensor: ref, offset: 0, length: elementCount(shape) } : ref;
}

/** Whether two views have an element in common. */
export function overlap(a: TensorView, b: TensorView): boolean {
  return a.tensor === b.tensor && a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

/** Says why a tensor has no such view, and what to change; undefined if it has. */
export function viewProblem(
  { offset, length }: TensorView,
  { shape, dtype }: { readonly shape: Shape; readonly dtype: DType },
): string | undefined {
  const count = elementCount(shape);
  const alignment = viewAlignment(dtype);
  if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(length) || length < 1) {
    return `a view has the offset ${offset} and the length ${length}; give whole numbers, and at least 1 element`;
  }
  if (offset + length > count) {
    const range = `elements ${offset} to ${offset + length - 1}`;
    return `a view has ${range} but the tensor ${dtype}[${shape.join(', ')}] has ${count}; end it inside`;
  }
  if (offset % alignment !== 0) {
    const start = `a view begins at element ${offset}, byte ${offset * DTYPE_BYTES[dtype]}`;
    return `${start}; begin it at a multiple of ${alignment} elements, ${VIEW_ALIGNMENT_BYTES} bytes`;
  }
  return undefined;
}
