import {
  bindingShape,
  type Dims,
  type KernelName,
  KERNELS,
  type Program,
  type TensorDeclaration,
} from '@millrace/kernels';
import { type BoundProgram, type DeviceTensor, type WebGpuBackend } from '@millrace/runtime';
import { fillForKernel } from './fill-tensors';

export interface LoneKernel {
  readonly kernel: KernelName;
  readonly dims: Dims;
  /** By binding name, where it does not follow from the dims: the shape of a tensor, and what a constant holds. */
  readonly declarations?: ReadonlyMap<string, Pick<TensorDeclaration, 'shape' | 'content'>>;
}

export interface BoundKernel {
  readonly bound: BoundProgram;
  readonly tensors: ReadonlyMap<string, DeviceTensor>;
  release(): void;
}

/** Allocates and fills the tensors of a kernel, each by itself, and binds it. */
export async function bindKernel(
  backend: WebGpuBackend,
  { kernel, dims, declarations }: LoneKernel,
): Promise<BoundKernel> {
  const { bindings } = KERNELS[kernel];
  const own = bindings.map(({ name, dtype }): TensorDeclaration => {
    return { name, dtype, role: 'scratch', ...(declarations?.get(name) ?? { shape: bindingShape(name, dims) }) };
  });
  const tensors = new Map<string, DeviceTensor>();
  const release = (): void => {
    for (const tensor of tensors.values()) backend.release(tensor);
  };
  try {
    for (const declaration of own) tensors.set(declaration.name, backend.allocate(declaration));
    fillForKernel(backend, { kernel: KERNELS[kernel], dims }, tensors);
    const step = { kernel, dims, tensors: Object.fromEntries(own.map(({ name }) => [name, name])) };
    const program: Program = { name: `lone-${kernel}`, tensors: own, steps: [step] };
    return { bound: await backend.bind(program, tensors), tensors, release };
  } catch (error) {
    release();
    throw error;
  }
}
