import { assert } from '@millrace/core';
import type { Program, ProgramStep, TensorDeclaration, TensorRole } from '@millrace/kernels';
import type { DType, Shape } from '@millrace/tensor';
import { sameShape } from '@millrace/tensor';

/** Names that a step reads or writes. */
function stepTensors(step: ProgramStep): string[] {
  return 'clear' in step ? [step.clear] : Object.values(step.tensors);
}

/** The tensors of a stage: each declared under one name, shape and role, whichever programs use it. */
export class TensorCatalog {
  private readonly declarations = new Map<string, TensorDeclaration>();

  /** Declares a tensor, or checks that it was declared alike, and gives its name back. */
  declare(name: string, shape: Shape, role: TensorRole, dtype: DType = 'f32'): string {
    this.add({ name, shape, role, dtype });
    return name;
  }

  add(declaration: TensorDeclaration): void {
    const { name } = declaration;
    const known = this.declarations.get(name);
    if (known === undefined) {
      this.declarations.set(name, declaration);
      return;
    }
    const alike = sameShape(known.shape, declaration.shape) && known.role === declaration.role && known.dtype === declaration.dtype;
    assert(alike, `tensor ${name} is declared in two ways`);
  }

  get(name: string): TensorDeclaration {
    const declaration = this.declarations.get(name);
    assert(declaration !== undefined, `tensor ${name} is not declared`);
    return declaration;
  }

  /** The program of `steps`; its tensors are those the steps name, in order of first use. */
  program(name: string, steps: readonly ProgramStep[]): Program {
    const names = new Set(steps.flatMap(stepTensors));
    return { name, tensors: [...names].map((tensor) => this.get(tensor)), steps };
  }
}

/** Every tensor of `programs` once, in order of first use; of one role if `role` is given. */
export function tensorsOf(programs: readonly Program[], role?: TensorRole): TensorDeclaration[] {
  const found = new Map<string, TensorDeclaration>();
  for (const program of programs) {
    for (const declaration of program.tensors) {
      if (role === undefined || declaration.role === role) found.set(declaration.name, declaration);
    }
  }
  return [...found.values()];
}
