import { type AppError, assert } from '@millrace/core';
import {
  constantValues,
  KERNELS,
  type Operation,
  type Program,
  type TensorDeclaration,
  type TwinArray,
} from '@millrace/kernels';
import {
  elementCount,
  fromFloat16Bits,
  roundToFloat16,
  type TensorRef,
  tensorOf,
  toFloat16Array,
} from '@millrace/tensor';
import type { Backend, BoundProgram, DeviceTensor, RecordedRun, Staging, TensorPiece } from '../backend';
import { checkPart, placeIn } from '../packs/check-part';
import { RecordedOnce } from '../recorded-once';
import { checkCopy, checkWrite } from '../check-write';
import { checkProgram } from '../check-program';
import { pieceOf } from '../piece-of';
import type { HostArray } from '../host-array';

class CpuTensor implements DeviceTensor {
  constructor(
    readonly declaration: TensorDeclaration,
    readonly values: TwinArray,
    readonly partOf?: { readonly whole: CpuTensor; readonly offset: number },
  ) {}
}

class CpuProgram implements BoundProgram {
  constructor(
    readonly name: string,
    readonly steps: readonly (() => void)[],
  ) {}
}

class CpuRecordedRun extends RecordedOnce<BoundProgram> {}

/** Runs an operation's twin, and rounds what it wrote into f16 tensors, which hold doubles here. */
function storing(
  { kernel, dims, tensors }: Operation,
  arrays: Readonly<Record<string, TwinArray>>,
  declarations: ReadonlyMap<string, TensorDeclaration>,
): () => void {
  const { bindings, cpu } = KERNELS[kernel];
  const written = bindings.filter(({ access }) => access === 'read_write').map(({ name }) => name);
  const rounded = written.filter((name) => declarations.get(tensorOf(tensors[name]!))?.dtype === 'f16');
  return () => {
    cpu(dims, arrays);
    for (const name of rounded) roundToFloat16(arrays[name] as Float64Array);
  };
}

/** A copy of some elements; those of f16 as bits. */
function hostArray({ values, declaration }: CpuTensor, from: number, end?: number): HostArray {
  return declaration.dtype === 'f16' ? toFloat16Array(values.subarray(from, end)) : values.slice(from, end);
}

/**
 * Runs the double-precision twins on the calling thread: it is slow and exact, and serves as the oracle of the other
 * backend.
 */
class CpuBackend implements Backend {
  readonly kind = 'cpu';
  readonly adapterClass = 'cpu';
  readonly elementType = 'f64';
  readonly failed = new Promise<AppError>(() => undefined);
  private readonly tensors = new Set<CpuTensor>();

  allocate(declaration: TensorDeclaration): DeviceTensor {
    const { content, shape, dtype } = declaration;
    const count = elementCount(shape);
    const tensor = new CpuTensor(declaration, dtype === 'u32' ? new Uint32Array(count) : new Float64Array(count));
    this.tensors.add(tensor);
    if (content !== undefined) this.write(tensor, constantValues(content, shape));
    return tensor;
  }

  part(whole: DeviceTensor, declaration: TensorDeclaration, offset: number): DeviceTensor {
    const own = this.own(whole);
    const { length } = checkPart(whole.declaration, declaration, offset);
    return new CpuTensor(declaration, own.values.subarray(offset, offset + length), placeIn(own, offset));
  }

  release(tensor: DeviceTensor): void {
    if (tensor instanceof CpuTensor && tensor.partOf !== undefined) return;
    this.tensors.delete(this.own(tensor));
  }

  bind(program: Program, tensors: ReadonlyMap<string, DeviceTensor>): Promise<BoundProgram> {
    checkProgram(program, tensors);
    const values = (ref: TensorRef): TwinArray => {
      const { values: all } = this.own(tensors.get(tensorOf(ref)));
      return typeof ref === 'string' ? all : all.subarray(ref.offset, ref.offset + ref.length);
    };
    const declarations = new Map(program.tensors.map((declaration) => [declaration.name, declaration]));
    const steps = program.steps.map((step) => {
      if ('clear' in step) {
        const cleared = values(step.clear);
        return () => void cleared.fill(0);
      }
      const arrays = Object.fromEntries(Object.entries(step.tensors).map(([binding, ref]) => [binding, values(ref)]));
      return storing(step, arrays, declarations);
    });
    return Promise.resolve(new CpuProgram(program.name, steps));
  }

  run(program: BoundProgram): void {
    assert(program instanceof CpuProgram, `program ${program.name} is not of this backend`);
    for (const step of program.steps) step();
  }

  /** There is nothing to record but the program. */
  record(program: BoundProgram): RecordedRun {
    return new CpuRecordedRun(program.name, program);
  }

  enqueue(run: RecordedRun): void {
    assert(run instanceof CpuRecordedRun, `the run of ${run.name} is not of this backend`);
    this.run(run.take());
  }

  write(tensor: DeviceTensor, data: HostArray, elementOffset = 0): void {
    checkWrite(tensor.declaration, data, elementOffset);
    const { values, declaration } = this.own(tensor);
    if (declaration.dtype !== 'f16') return values.set(data, elementOffset);
    const bits = data instanceof Uint16Array ? data : toFloat16Array(data);
    values.set(Float64Array.from(bits, fromFloat16Bits), elementOffset);
  }

  copy(source: DeviceTensor, target: DeviceTensor): void {
    checkCopy(source.declaration, target.declaration);
    this.own(target).values.set(this.own(source).values);
  }

  read(tensor: DeviceTensor): Promise<HostArray> {
    return Promise.resolve(hostArray(this.own(tensor), 0));
  }

  readAll(sources: readonly (DeviceTensor | TensorPiece)[]): Promise<HostArray[]> {
    const pieces = sources.map(pieceOf);
    return Promise.resolve(
      pieces.map(({ tensor, elementOffset, elementCount: count }) =>
        hostArray(this.own(tensor), elementOffset, elementOffset + count),
      ),
    );
  }

  /** The twins' tensors are in the host's memory, so that nothing is staged. */
  openStaging(bytes: number, count: number): Staging {
    return { bytes, count };
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
    const own = tensor instanceof CpuTensor && this.tensors.has(tensor.partOf?.whole ?? tensor);
    assert(own, `tensor ${tensor?.declaration.name} is not of this backend`);
    return tensor;
  }
}

export function openCpuBackend(): Backend {
  return new CpuBackend();
}
