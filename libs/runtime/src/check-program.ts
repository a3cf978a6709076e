import {
  isRead,
  type KernelBinding,
  KERNELS,
  type Operation,
  type Program,
  type TensorDeclaration,
} from '@millrace/kernels';
import {
  DTYPE_BYTES,
  elementCount,
  overlap,
  sameShape,
  type TensorRef,
  tensorOf,
  type TensorView,
  viewOf,
  viewProblem,
  WORD_BYTES,
} from '@millrace/tensor';
import type { DeviceTensor } from './backend';
import { tensorMismatchError } from './runtime.errors';
import { elementsUsed } from './views/binding-use';

/** Refuses something about a tensor: throws RUNTIME.TENSOR_MISMATCH. */
type Refuse = (tensor: string, problem: string) => never;

type Declarations = ReadonlyMap<string, TensorDeclaration>;
type Tensors = ReadonlyMap<string, DeviceTensor>;

interface Bound {
  readonly binding: KernelBinding;
  readonly view: TensorView;
  /** What has the memory that is bound, and the view of it: two tensors may be parts of one. */
  readonly memory: DeviceTensor;
  readonly place: TensorView;
}

function boundTo(binding: KernelBinding, view: TensorView, tensors: Tensors): Bound {
  const tensor = tensors.get(view.tensor)!;
  const { whole, offset } = tensor.partOf ?? { whole: tensor, offset: 0 };
  const place = { ...view, tensor: whole.declaration.name, offset: offset + view.offset };
  return { binding, view, memory: whole, place };
}

function elements({ offset, length }: TensorView): string {
  return `elements ${offset} to ${offset + length - 1}`;
}

/** The view that a reference means, if there is such a one. */
function checkedView(ref: TensorRef, declarations: Declarations, refuse: Refuse): TensorView {
  const name = tensorOf(ref);
  const declaration =
    declarations.get(name) ?? refuse(name, 'it is not declared; add it to the tensors of the program');
  const problem = typeof ref === 'string' ? undefined : viewProblem(ref, declaration);
  return problem === undefined ? viewOf(ref, declaration.shape) : refuse(name, problem);
}

/**
 * WebGPU lets a dispatch bind parts of one buffer only if all of them are read, or all are written and have nothing in
 * common.
 */
function checkPair([one, other]: readonly [Bound, Bound], refuse: Refuse): void {
  const isWritten = [one, other].some(({ binding }) => binding.access === 'read_write');
  if (!isWritten || one.memory !== other.memory) return;
  const isOne = one.view.tensor === other.view.tensor;
  const also = isOne ? '' : ` of ${other.view.tensor}, a part of the same ${one.memory.declaration.name},`;
  const both = `${elements(one.view)} as ${one.binding.name} and ${elements(other.view)}${also} as ${other.binding.name}`;
  if (overlap(one.place, other.place)) {
    refuse(one.view.tensor, `it is written and bound twice, with ${both}; give one of them a tensor of its own`);
  }
  if (one.binding.access !== other.binding.access) {
    refuse(one.view.tensor, `a dispatch reads and writes it, with ${both}; give one of them a tensor of its own`);
  }
}

interface Known {
  readonly declarations: Declarations;
  readonly tensors: Tensors;
}

/** What is written ends with a word or with its tensor: half a word more would be written too. */
function checkWhole(view: TensorView, declarations: Declarations, refuse: Refuse): void {
  const { shape, dtype } = declarations.get(view.tensor)!;
  const perWord = WORD_BYTES / DTYPE_BYTES[dtype];
  if (view.length % perWord === 0 || view.offset + view.length === elementCount(shape)) return;
  refuse(
    view.tensor,
    `${elements(view)} of ${dtype} are written, which end within a word; end them at a multiple of ${perWord} elements`,
  );
}

/** Checks what an operation binds: a tensor or a view for each binding, of its type, with all that it uses. */
function checkOperation(operation: Operation, { declarations, tensors: allocated }: Known, refuse: Refuse): void {
  const { kernel, dims, tensors } = operation;
  const bound = KERNELS[kernel].bindings.map((binding): Bound => {
    const ref = tensors[binding.name] ?? refuse(binding.name, 'the operation names no tensor; bind one to it');
    const view = checkedView(ref, declarations, refuse);
    const { dtype } = declarations.get(view.tensor)!;
    if (isRead(binding, dims) && dtype !== binding.dtype) {
      refuse(view.tensor, `it is ${dtype} but ${binding.name} is ${binding.dtype}; bind a tensor of that type`);
    }
    const used = typeof ref === 'string' || !isRead(binding, dims) ? 0 : elementsUsed(binding, dims);
    if (view.length < used) {
      refuse(view.tensor, `a view has ${view.length} elements but ${binding.name} has ${used}; make it longer`);
    }
    if (binding.access === 'read_write') checkWhole(view, declarations, refuse);
    return boundTo(binding, view, allocated);
  });
  bound.forEach((one, index) => {
    for (const other of bound.slice(index + 1)) checkPair([one, other], refuse);
  });
}

/**
 * Throws RUNTIME.TENSOR_MISMATCH unless `tensors` has every tensor of `program` with the declared shape and type, and
 * its steps name tensors and views that exist and may be bound together.
 */
export function checkProgram(program: Program, tensors: Tensors): void {
  const declarations = new Map(program.tensors.map((declaration) => [declaration.name, declaration]));
  for (const { name, shape, dtype } of program.tensors) {
    const tensor = tensors.get(name)?.declaration;
    if (tensor === undefined) {
      throw tensorMismatchError(program.name, name, 'it is not in the map; allocate it before binding');
    }
    if (!sameShape(tensor.shape, shape) || tensor.dtype !== dtype) {
      const has = `${tensor.dtype}[${tensor.shape.join(', ')}]`;
      throw tensorMismatchError(program.name, name, `it is ${has} but the program needs ${dtype}[${shape.join(', ')}]`);
    }
  }
  checkSteps(program, { declarations, tensors });
}

function checkSteps({ name: program, steps }: Program, known: Known): void {
  for (const step of steps) {
    const where = 'clear' in step ? 'for a clear' : `for kernel ${step.kernel}`;
    const refuse: Refuse = (tensor, problem) => {
      throw tensorMismatchError(program, tensor, `${where}, ${problem}`);
    };
    if ('clear' in step) checkWhole(checkedView(step.clear, known.declarations, refuse), known.declarations, refuse);
    else checkOperation(step, known, refuse);
  }
}
