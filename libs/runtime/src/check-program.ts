import { assert } from '@millrace/core';
import { KERNELS, type Operation, type Program } from '@millrace/kernels';
import { sameShape } from '@millrace/tensor';
import type { DeviceTensor } from './backend';
import { tensorMismatchError } from './runtime.errors';

/**
 * Checks that an operation names a tensor for each binding, and that it writes none that it binds twice (WebGPU forbids
 * it).
 */
function checkOperation(program: Program, operation: Operation, declared: ReadonlySet<string>): void {
  const { bindings } = KERNELS[operation.kernel];
  const names = bindings.map(({ name }) => operation.tensors[name]);
  const where = `program ${program.name}, kernel ${operation.kernel}`;
  bindings.forEach((binding, index) => {
    const name = names[index];
    assert(name !== undefined, `${where}: nothing is bound to ${binding.name}`);
    assert(declared.has(name), `${where}: tensor ${name} is not declared`);
    const twice = binding.access === 'read_write' && names.indexOf(name) !== names.lastIndexOf(name);
    assert(!twice, `${where}: tensor ${name} is written and bound twice`);
  });
}

/** Throws RUNTIME.TENSOR_MISMATCH unless `tensors` has every tensor of `program` with the declared shape and type. */
export function checkProgram(program: Program, tensors: ReadonlyMap<string, DeviceTensor>): void {
  const declared = new Set(program.tensors.map(({ name }) => name));
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
  for (const step of program.steps) {
    if (!('clear' in step)) checkOperation(program, step, declared);
    else assert(declared.has(step.clear), `program ${program.name} clears ${step.clear}, which is not declared`);
  }
}
