import { type AppError, assert } from '@millrace/core';
import {
  constantValues,
  type Dims,
  type Kernel,
  KERNELS,
  type Program,
  type TensorDeclaration,
  type TwinArray,
} from '@millrace/kernels';
import { elementCount, type TensorRef, tensorOf } from '@millrace/tensor';
import type { Backend, BoundProgram, DeviceTensor, TensorPiece } from '../backend';
import { checkCopy, checkWrite } from '../check-write';
import { checkProgram } from '../check-program';
import { pieceOf } from '../piece-of';
import type { HostArray } from '../host-array';

class CpuTensor implements DeviceTensor {
  readonly values: TwinArray;

  constructor(readonly declaration: TensorDeclaration) {
    const count = elementCount(declaration.shape);
    this.values = declaration.dtype === 'u32' ? new Uint32Array(count) : new Float64Array(count);
  }
}

class CpuProgram implements BoundProgram {
  constructor(
    readonly name: string,
    readonly steps: readonly (() => void)[],
  ) {}
}

function callTwin(kernel: Kernel, dims: Dims, arrays: Readonly<Record<string, TwinArray>>): () => void {
  return () => kernel.cpu(dims, arrays);
}

/**
 * Runs the double-precision twins on the calling thread: it is slow and exact, and serves as the oracle of the other
 * backend.
 */
class CpuBackend implements Backend {
  readonly kind = 'cpu';
  readonly elementType = 'f64';
  readonly failed = new Promise<AppError>(() => undefined);
  private readonly tensors = new Set<CpuTensor>();

  allocate(declaration: TensorDeclaration): DeviceTensor {
    const tensor = new CpuTensor(declaration);
    this.tensors.add(tensor);
    const { content, shape } = declaration;
    if (content !== undefined) this.write(tensor, constantValues(content, shape));
    return tensor;
  }

  release(tensor: DeviceTensor): void {
    this.tensors.delete(this.own(tensor));
  }

  bind(program: Program, tensors: ReadonlyMap<string, DeviceTensor>): Promise<BoundProgram> {
    checkProgram(program, tensors);
    const values = (ref: TensorRef): TwinArray => {
      const { values: all } = this.own(tensors.get(tensorOf(ref)));
      return typeof ref === 'string' ? all : all.subarray(ref.offset, ref.offset + ref.length);
    };
    const steps = program.steps.map((step) => {
      if ('clear' in step) {
        const cleared = values(step.clear);
        return () => void cleared.fill(0);
      }
      const arrays = Object.fromEntries(Object.entries(step.tensors).map(([binding, ref]) => [binding, values(ref)]));
      return callTwin(KERNELS[step.kernel], step.dims, arrays);
    });
    return Promise.resolve(new CpuProgram(program.name, steps));
  }

  run(program: BoundProgram): void {
    assert(program instanceof CpuProgram, `program ${program.name} is not of this backend`);
    for (const step of program.steps) step();
  }

  write(tensor: DeviceTensor, data: HostArray, elementOffset = 0): void {
    checkWrite(tensor.declaration, data, elementOffset);
    this.own(tensor).values.set(data, elementOffset);
  }

  copy(source: DeviceTensor, target: DeviceTensor): void {
    checkCopy(source.declaration, target.declaration);
    this.own(target).values.set(this.own(source).values);
  }

  read(tensor: DeviceTensor): Promise<HostArray> {
    return Promise.resolve(this.own(tensor).values.slice());
  }

  readAll(sources: readonly (DeviceTensor | TensorPiece)[]): Promise<HostArray[]> {
    const pieces = sources.map(pieceOf);
    return Promise.resolve(
      pieces.map(({ tensor, elementOffset, elementCount: count }) =>
        this.own(tensor).values.slice(elementOffset, elementOffset + count),
      ),
    );
  }

  flush(): void {
    // Every run is done when it returns.
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  throttle(): Promise<void> {
    return Promise.resolve();
  }

  /** Counts the doubles that are held, not the f32 values that they stand for. */
  allocatedBytes(): number {
    let bytes = 0;
    for (const tensor of this.tensors) bytes += tensor.values.byteLength;
    return bytes;
  }

  destroy(): void {
    this.tensors.clear();
  }

  private own(tensor: DeviceTensor | undefined): CpuTensor {
    const own = tensor instanceof CpuTensor && this.tensors.has(tensor);
    assert(own, `tensor ${tensor?.declaration.name} is not of this backend`);
    return tensor;
  }
}

export function openCpuBackend(): Backend {
  return new CpuBackend();
}
