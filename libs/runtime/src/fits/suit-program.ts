import { fuseProducts, type KernelTarget, type Program, splitProducts } from '@millrace/kernels';
import { tensorOf, type TensorRef, viewOf, wholeWords, DTYPE_BYTES } from '@millrace/tensor';
import { fitProgram } from '../views/fit-program';

/**
 * The operations that a device runs in the place of a program's: products split and joined with what follows them, and
 * whatever exceeds a binding cut. Its tensors are the program's, and PARTIAL_SUMS where a product is split.
 */
export function suitProgram(program: Program, target: KernelTarget, bindingBytesMax: number): Program {
  const split = splitProducts(program, target);
  const bytes = boundBytes(split);
  const isBound = (ref: TensorRef): boolean => bytes(ref) <= bindingBytesMax;
  return fitProgram(fuseProducts(split, { target, isBound }), bindingBytesMax);
}

/** The bytes that are bound for a name or a view of a program's tensor. */
export function boundBytes(program: Program): (ref: TensorRef) => number {
  const declarations = new Map(program.tensors.map((declaration) => [declaration.name, declaration]));
  return (ref) => {
    const { shape, dtype } = declarations.get(tensorOf(ref))!;
    return wholeWords(viewOf(ref, shape).length * DTYPE_BYTES[dtype]);
  };
}
