import { assert } from '@millrace/core';
import type { Program, ProgramStep, TensorDeclaration, TensorRole } from '@millrace/kernels';
import { sameShape, type Shape, tensorOf } from '@millrace/tensor';

/** Names that a step reads or writes. */
function stepTensors(step: ProgramStep): string[] {
  return ('clear' in step ? [step.clear] : Object.values(step.tensors)).map(tensorOf);
}

/** The tensors of a stage. Each is declared under one name, with one shape and role, whichever programs use it. */
export class TensorCatalog {
  private readonly declarations = new Map<string, TensorDeclaration>();

  /** Declares an f32 tensor, or checks that it was declared in the same way, and returns its name. */
  declare(name: string, shape: Shape, role: TensorRole): string {
    return this.add({ name, shape, role, dtype: 'f32' });
  }

  /** Does the same for a tensor of token ids. */
  declareIds(name: string, shape: Shape, role: TensorRole): string {
    return this.add({ name, shape, role, dtype: 'u32' });
  }

  add(declaration: TensorDeclaration): string {
    const { name } = declaration;
    const known = this.declarations.get(name);
    if (known === undefined) {
      this.declarations.set(name, declaration);
      return name;
    }
    const sameKind = known.role === declaration.role && known.dtype === declaration.dtype;
    assert(sameKind && sameShape(known.shape, declaration.shape), `tensor ${name} is declared in two ways`);
    return name;
  }

  get(name: string): TensorDeclaration {
    const declaration = this.declarations.get(name);
    assert(declaration !== undefined, `tensor ${name} is not declared`);
    return declaration;
  }

  /** Makes a program of `steps`; its tensors are those that the steps name, in order of first use. */
  program(name: string, steps: readonly ProgramStep[]): Program {
    const names = new Set(steps.flatMap(stepTensors));
    return { name, tensors: [...names].map((tensor) => this.get(tensor)), steps };
  }
}

/** Every tensor of `programs` once, in order of first use; if `role` is given, only those with that role. */
export function tensorsOf(programs: readonly Program[], role?: TensorRole): TensorDeclaration[] {
  const found = new Map<string, TensorDeclaration>();
  for (const program of programs) {
    for (const declaration of program.tensors) {
      if (role === undefined || declaration.role === role) found.set(declaration.name, declaration);
    }
  }
  return [...found.values()];
}
