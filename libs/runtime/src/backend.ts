import type { AppError } from '@millrace/core';
import type { Program, TensorDeclaration } from '@millrace/kernels';
import type { HostArray } from './host-array';

/** An opaque handle of memory on a backend. */
export interface DeviceTensor {
  readonly declaration: TensorDeclaration;
  /** Whose memory it has a part of, and from which element on; undefined if its memory is its own. */
  readonly partOf?: { readonly whole: DeviceTensor; readonly offset: number } | undefined;
}

/** Consecutive elements of a tensor. */
export interface TensorPiece {
  readonly tensor: DeviceTensor;
  readonly elementOffset: number;
  readonly elementCount: number;
}

/** Buffers of one size, made once, through which reads pass. */
export interface Staging {
  readonly bytes: number;
  readonly count: number;
}

/** A program with its pipelines and bind groups, which is made once and run many times. */
export interface BoundProgram {
  readonly name: string;
}

/** A run of a program whose commands are recorded but not enqueued. */
export interface RecordedRun {
  readonly name: string;
}

/**
 * Runs programs. Everything a caller enqueues (write, run, read) takes effect in the order of the calls; only `bind`,
 * `read`, `finish` and `throttle` wait. A failure of the device (error, loss, out of memory) is thrown as AppError
 * RUNTIME.* by the next call and rejects whatever waits.
 */
export interface Backend {
  readonly kind: 'webgpu' | 'cpu';
  /**
   * The element type of the host arrays that `read` returns for f32 tensors; `write` accepts both. f16 tensors are read
   * as bits, and written as bits or as floats that are rounded.
   */
  readonly elementType: 'f32' | 'f64';
  /** What runs the programs: a GPU, or the host's processor by a software driver or the twins. */
  readonly adapterClass: 'cpu' | 'gpu';
  /** Returns zeroed memory, or a constant's content. Throws RUNTIME.TENSOR_TOO_LARGE beyond the adapter's limits. */
  allocate(declaration: TensorDeclaration): DeviceTensor;
  /** Returns a tensor whose memory is that of `whole` from element `offset` on, at a multiple of 256 bytes. */
  part(whole: DeviceTensor, declaration: TensorDeclaration, offset: number): DeviceTensor;
  /**
   * Gives the memory back; programs that are bound to it must not run any more. A part has none of its own: it ends
   * with its whole.
   */
  release(tensor: DeviceTensor): void;
  /** `tensors` has an entry for each tensor of the program, by name; sizes and types must match. */
  bind(program: Program, tensors: ReadonlyMap<string, DeviceTensor>): Promise<BoundProgram>;
  run(program: BoundProgram): void;
  /** Records a run, so that `enqueue` takes no time where the device would wait for it. */
  record(program: BoundProgram): RecordedRun;
  /** Enqueues a recorded run as `run` would enqueue its program now. Throws if that was done before: record again. */
  enqueue(run: RecordedRun): void;
  /** Copies `data` into the tensor from element `elementOffset` (0 by default) on. */
  write(tensor: DeviceTensor, data: HostArray, elementOffset?: number): void;
  /** Enqueues a copy of all of `source` into `target`, a tensor of the same size and type. */
  copy(source: DeviceTensor, target: DeviceTensor): void;
  /**
   * Reads the content as of this call. Most of `expectedDelayMs`, the predicted time until the device gets there, is
   * slept instead of polled; if it is not given, it is learned from earlier waits after the same programs.
   * It passes through a buffer of `staging`; if that has none free, or none is large enough, through one of its own.
   */
  read(tensor: DeviceTensor, expectedDelayMs?: number, staging?: Staging): Promise<HostArray>;
  /** Does what `read` does for many tensors or pieces of them, with one copy and one wait. */
  readAll(
    sources: readonly (DeviceTensor | TensorPiece)[],
    expectedDelayMs?: number,
    staging?: Staging,
  ): Promise<HostArray[]>;
  /** Makes `count` buffers of `bytes` for reads. They are kept until `destroy`. */
  openStaging(bytes: number, count: number): Staging;
  /** Submits what is enqueued without waiting for it. */
  flush(): void;
  /** Resolves when everything enqueued before this call is done, whatever is enqueued after it. */
  finish(expectedDelayMs?: number): Promise<void>;
  /** Resolves at once unless too many submissions are unfinished: await it in loops that enqueue without reading. */
  throttle(): Promise<void>;
  /**
   * Resolves with the first failure of the device (loss, an error, out of memory), also when nobody is calling or
   * waiting for the backend; it stays pending after `destroy`.
   */
  readonly failed: Promise<AppError>;
  /** Bytes of all allocated tensors and stagings, and of what programs share that is no tensor of theirs. */
  allocatedBytes(): number;
  /** Frees everything; nothing may be called after this. */
  destroy(): void;
}
