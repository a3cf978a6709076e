import {
  type AxisCut,
  isRead,
  type Kernel,
  KERNELS,
  type Operation,
  type Program,
  type ProgramStep,
} from '@millrace/kernels';
import { DTYPE_BYTES, tensorOf, type TensorView, viewOf } from '@millrace/tensor';
import { bindingTooLargeError } from '../runtime.errors';
import { type BoundViews, operationPart, rangeAlignment, rowLength, shortView } from './cut-operation';

interface Fitting {
  readonly program: Program;
  readonly declarations: ReadonlyMap<string, Program['tensors'][number]>;
  readonly bindingBytesMax: number;
}

/**
 * Cuts the operations that bind more than the limit into operations on views, as their kernels say. They compute the
 * same bits, unless parts add to each other's sums; an operation that fits stays as it is. Throws
 * RUNTIME.BINDING_TOO_LARGE for one that cannot be cut.
 */
export function fitProgram(program: Program, bindingBytesMax: number): Program {
  const declarations = new Map(program.tensors.map((declaration) => [declaration.name, declaration]));
  const fitting = { program, declarations, bindingBytesMax };
  const steps = program.steps.flatMap((step): ProgramStep[] =>
    'clear' in step ? [step] : fitOperation(step, fitting),
  );
  return { ...program, steps };
}

function fitOperation(operation: Operation, fitting: Fitting): Operation[] {
  const kernel = KERNELS[operation.kernel];
  const views = boundViews(kernel, operation, fitting);
  const tooLarge = kernel.bindings.filter(({ name }) => viewBytes(views[name]!, fitting) > fitting.bindingBytesMax);
  if (tooLarge.length === 0) return [operation];
  const unread = tooLarge.filter((binding) => !isRead(binding, operation.dims));
  if (unread.length > 0) return fitOperation(withShortViews(operation, views, unread), fitting);
  const { dims } = operation;
  for (const cut of kernel.cuts ?? []) {
    const count = rangeLength({ kernel, cut, operation }, views, fitting);
    if (count === 0) continue;
    const size = dims[cut.axis]!;
    const firsts = Array.from({ length: Math.ceil(size / count) }, (_, index) => index * count);
    return firsts.flatMap((first) => {
      const range = { first, end: Math.min(first + count, size) };
      return fitOperation(operationPart({ kernel, operation, views, cut }, range), fitting);
    });
  }
  const name = views[tooLarge[0]!.name]!.tensor;
  const bytes = viewBytes(views[tooLarge[0]!.name]!, fitting);
  throw bindingTooLargeError({ name, kernel: kernel.name, bytes, limitBytes: fitting.bindingBytesMax });
}

/** The length of the ranges by which a cut makes what is too large fit; 0 if it does not make anything smaller. */
function rangeLength(
  {
    kernel,
    cut,
    operation: { dims },
  }: { readonly kernel: Kernel; readonly cut: AxisCut; readonly operation: Operation },
  views: BoundViews,
  fitting: Fitting,
): number {
  const lengths = kernel.bindings.flatMap((binding) => {
    const row = rowLength(binding, cut, dims);
    if (row === undefined || viewBytes(views[binding.name]!, fitting) <= fitting.bindingBytesMax) return [];
    return [Math.floor(fitting.bindingBytesMax / DTYPE_BYTES[binding.dtype] / row)];
  });
  if (lengths.length === 0) return 0;
  const alignment = rangeAlignment(kernel, cut, dims);
  return Math.floor(Math.min(...lengths) / alignment) * alignment;
}

function boundViews(kernel: Kernel, operation: Operation, { declarations }: Fitting): BoundViews {
  const views = kernel.bindings.map(({ name }) => {
    const ref = operation.tensors[name]!;
    const { shape } = declarations.get(tensorOf(ref))!;
    return [name, viewOf(ref, shape)];
  });
  return Object.fromEntries(views) as BoundViews;
}

function viewBytes({ tensor, length }: TensorView, { declarations }: Fitting): number {
  return length * DTYPE_BYTES[declarations.get(tensor)!.dtype];
}

/** What a kernel leaves unread is bound to as little as may be bound. */
function withShortViews(operation: Operation, views: BoundViews, unread: Kernel['bindings']): Operation {
  const short = unread.map((binding) => [binding.name, shortView(binding, views[binding.name]!)]);
  return { ...operation, tensors: { ...operation.tensors, ...(Object.fromEntries(short) as Operation['tensors']) } };
}
