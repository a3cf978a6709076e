import { assert } from '@millrace/core';
import {
  halfFormsOf,
  isRead,
  type KernelBinding,
  type KernelName,
  KERNELS,
  type Operation,
  type Program,
  type TensorDeclaration,
  type TensorRole,
} from '@millrace/kernels';
import { type TensorRef, tensorOf } from '@millrace/tensor';
import { weightCopy } from './weight-copies';

/** What belongs to a micro-batch, or to nobody: all else lasts from step to step, or is small. */
const HALVED_ROLES: ReadonlySet<TensorRole> = new Set(['input', 'output', 'saved', 'deferred', 'scratch']);

/** A tensor that an operation reads or writes, and by which binding. */
interface Use {
  readonly binding: KernelBinding;
  readonly tensor: string;
}

function usesOf({ kernel, dims, tensors }: Operation): Use[] {
  const read = KERNELS[kernel].bindings.filter((binding) => isRead(binding, dims));
  return read.map((binding) => ({ binding, tensor: tensorOf(tensors[binding.name]!) }));
}

function operationsOf(programs: readonly Program[]): Operation[] {
  return programs.flatMap(({ steps }) => steps.filter((step): step is Operation => 'kernel' in step));
}

function isStored(form: KernelName, { name }: KernelBinding): boolean {
  return KERNELS[form].bindings.some((binding) => binding.name === name && binding.dtype === 'f16');
}

/** The tensors that every operation on them can store as f16. */
function halvedTensors(programs: readonly Program[], kept: readonly string[]): Set<string> {
  const declarations = programs.flatMap(({ tensors }) => tensors);
  const candidates = declarations.filter(({ role, dtype }) => HALVED_ROLES.has(role) && dtype !== 'u32');
  const halved = new Set(candidates.map(({ name }) => name));
  for (const name of kept) halved.delete(name);
  for (const operation of operationsOf(programs)) {
    const forms: KernelName[] = [operation.kernel, ...halfFormsOf(operation.kernel)];
    for (const { binding, tensor } of usesOf(operation)) {
      if (!forms.some((form) => isStored(form, binding))) halved.delete(tensor);
    }
  }
  return halved;
}

/**
 * The form of an operation's kernel that stores as f16 what is halved, and no other tensor that is computed. It may
 * read a weight either way.
 */
function formOf(operation: Operation, halved: ReadonlySet<string>, weights: ReadonlySet<string>): KernelName {
  const computed = usesOf(operation).filter(({ binding, tensor }) => binding.dtype !== 'u32' && !weights.has(tensor));
  const fits = (form: KernelName): boolean =>
    computed.every(({ binding, tensor }) => isStored(form, binding) === halved.has(tensor));
  // A form that reads a weight's copy comes before the kernel itself.
  const form = [...halfFormsOf(operation.kernel), operation.kernel].find(fits);
  const stored = computed.filter(({ tensor }) => halved.has(tensor)).map(({ binding }) => binding.name);
  assert(
    form !== undefined,
    `${operation.kernel} has no form in f16 that stores ${stored.join(', ')} and nothing else`,
  );
  return form;
}

/**
 * The same programs with activations and their gradients stored as f16. An operation becomes the form of its kernel
 * that stores what can be; weights that this form reads as f16 are copies. What some operation needs in f32 stays so:
 * statistics of rows, logits and their gradient, losses, sums, and what `kept` names.
 */
export function halfPrograms(programs: readonly Program[], kept: readonly string[]): Program[] {
  const halved = halvedTensors(programs, kept);
  return programs.map((program) => halfProgram(program, halved));
}

function halfProgram(program: Program, halved: ReadonlySet<string>): Program {
  const declarations = new Map(program.tensors.map((declaration) => [declaration.name, declaration]));
  const weights = new Set(program.tensors.filter(({ role }) => role === 'parameter').map(({ name }) => name));
  const used = new Map<string, TensorDeclaration>();
  const bound = (ref: TensorRef, copied: boolean): TensorRef => {
    const own = declarations.get(tensorOf(ref))!;
    const declaration = copied ? weightCopy(own) : halved.has(own.name) ? { ...own, dtype: 'f16' as const } : own;
    used.set(declaration.name, declaration);
    return typeof ref === 'string' ? declaration.name : { ...ref, tensor: declaration.name };
  };
  const steps = program.steps.map((step) => {
    if ('clear' in step) return { clear: bound(step.clear, false) };
    const kernel = formOf(step, halved, weights);
    const tensors = KERNELS[kernel].bindings.map((binding) => {
      const ref = step.tensors[binding.name]!;
      const copied = weights.has(tensorOf(ref)) && binding.dtype === 'f16' && isRead(binding, step.dims);
      return [binding.name, bound(ref, copied)];
    });
    return { ...step, kernel, tensors: Object.fromEntries(tensors) as Operation['tensors'] };
  });
  return { ...program, tensors: [...used.values()], steps };
}
