import { type AppError, assert, type Clock, sleep } from '@millrace/core';
import { KERNELS, type Program } from '@millrace/kernels';
import type { Backend, BoundProgram, DeviceTensor, RecordedRun, Staging, TensorPiece } from '../backend';
import { RecordedOnce } from '../recorded-once';
import type { HostArray } from '../host-array';

class PacedProgram implements BoundProgram {
  constructor(
    readonly name: string,
    readonly costMs: number,
  ) {}
}

export interface PaceOptions {
  /** The speed that the device pretends to have, in 1e9 floating-point operations per second. */
  readonly gflops: number;
  readonly clock: Clock;
}

/** Programs of so many milliseconds may be enqueued before `throttle` waits. */
const AHEAD_MS_MAX = 2000;

class PacedRecordedRun extends RecordedOnce<BoundProgram> {}

/**
 * A device whose programs take the time of their operations at a given speed and compute nothing: a test setting, to
 * measure schedules with more agents than there are cores. Memory, writes, copies and reads are those of `inner`, so
 * tensors keep what was last written to them, and losses and gradients are zero.
 */
class PacedBackend implements Backend {
  readonly kind: Backend['kind'];
  /** It binds nothing on the backend that it paces, so that no product is split. */
  readonly adapterClass = 'cpu';
  readonly elementType: Backend['elementType'];
  readonly failed: Promise<AppError>;
  /** The monotonic time at which the programs enqueued so far are done. */
  private freeAtMs: number;

  constructor(
    private readonly inner: Backend,
    private readonly options: PaceOptions,
  ) {
    this.kind = inner.kind;
    this.elementType = inner.elementType;
    this.failed = inner.failed;
    this.freeAtMs = options.clock.monotonicMs();
  }

  allocate(declaration: DeviceTensor['declaration']): DeviceTensor {
    return this.inner.allocate(declaration);
  }

  part(whole: DeviceTensor, declaration: DeviceTensor['declaration'], offset: number): DeviceTensor {
    return this.inner.part(whole, declaration, offset);
  }

  release(tensor: DeviceTensor): void {
    this.inner.release(tensor);
  }

  bind(program: Program): Promise<BoundProgram> {
    return Promise.resolve(new PacedProgram(program.name, flops(program) / this.options.gflops / 1e6));
  }

  run(program: BoundProgram): void {
    assert(program instanceof PacedProgram, `program ${program.name} is not of this backend`);
    this.freeAtMs = Math.max(this.freeAtMs, this.options.clock.monotonicMs()) + program.costMs;
  }

  record(program: BoundProgram): RecordedRun {
    return new PacedRecordedRun(program.name, program);
  }

  enqueue(run: RecordedRun): void {
    assert(run instanceof PacedRecordedRun, `the run of ${run.name} is not of this backend`);
    this.run(run.take());
  }

  write(tensor: DeviceTensor, data: HostArray, elementOffset?: number): void {
    this.inner.write(tensor, data, elementOffset);
  }

  copy(source: DeviceTensor, target: DeviceTensor): void {
    this.inner.copy(source, target);
  }

  async read(tensor: DeviceTensor, _expectedDelayMs?: number, staging?: Staging): Promise<HostArray> {
    return (await this.readAll([tensor], undefined, staging))[0]!;
  }

  /** Programs that are enqueued later take their time after this read, as on a real device. */
  async readAll(
    sources: readonly (DeviceTensor | TensorPiece)[],
    _expectedDelayMs?: number,
    staging?: Staging,
  ): Promise<HostArray[]> {
    const [content] = await Promise.all([this.inner.readAll(sources, undefined, staging), this.reach(this.freeAtMs)]);
    return content;
  }

  openStaging(bytes: number, count: number): Staging {
    return this.inner.openStaging(bytes, count);
  }

  flush(): void {
    this.inner.flush();
  }

  async finish(): Promise<void> {
    await Promise.all([this.inner.finish(), this.reach(this.freeAtMs)]);
  }

  async throttle(): Promise<void> {
    await this.inner.throttle();
    await this.reach(this.freeAtMs - AHEAD_MS_MAX);
  }

  allocatedBytes(): number {
    return this.inner.allocatedBytes();
  }

  destroy(): void {
    this.inner.destroy();
  }

  private async reach(timeMs: number): Promise<void> {
    const { clock } = this.options;
    const leftMs = timeMs - clock.monotonicMs();
    if (leftMs > 0) await sleep(clock, leftMs);
  }
}

function flops(program: Program): number {
  return program.steps.reduce((sum, step) => sum + ('clear' in step ? 0 : KERNELS[step.kernel].flops(step.dims)), 0);
}

export function pacedBackend(inner: Backend, options: PaceOptions): Backend {
  return new PacedBackend(inner, options);
}
