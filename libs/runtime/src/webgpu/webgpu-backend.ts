import { type AppError, assert, type Clock, sleep } from '@millrace/core';
import {
  constantValues,
  type Dims,
  type KernelName,
  KERNELS,
  type KernelTarget,
  PARTIAL_SUMS,
  PARTIAL_SUMS_MAX,
  type Program,
  type TensorDeclaration,
} from '@millrace/kernels';
import { DTYPE_BYTES, tensorBytes, type TensorRef, tensorOf, wholeWords, WORD_BYTES } from '@millrace/tensor';
import type { AdapterDescription } from '../adapter-description';
import type { Backend, BoundProgram, DeviceTensor, RecordedRun, Staging, TensorPiece } from '../backend';
import { checkProgram } from '../check-program';
import { checkPart, placeIn } from '../packs/check-part';
import { checkCopy, checkWrite } from '../check-write';
import { deviceArray, type HostArray, wholeWordsOf } from '../host-array';
import { pieceOf } from '../piece-of';
import { RecordedOnce } from '../recorded-once';
import { tensorTooLargeError } from '../runtime.errors';
import { kernelTarget } from '../fits/kernel-target';
import { suitProgram } from '../fits/suit-program';
import { CompletionWindow } from '../submission/completion-window';
import { dispatchMs } from '../submission/dispatch-cost';
import { type SubmissionOptions, SubmissionPace } from '../submission/submission-pace';
import { type BufferRange, CommandRecorder, type Dispatch, type RecordedCommands } from './command-recorder';
import { DelayPredictor } from './delay-predictor';
import { DeviceFailure } from './device-failure';
import { FirstGroups } from './first-groups';
import { BUFFER_USAGE } from './gpu-constants';
import { PipelineCache } from './pipeline-cache';
import { pieceBytes, pieceValues } from './readback/piece-bytes';
import { type ReadbackBuffers, ReadbackRing } from './readback/readback-ring';
import { StagingBuffers } from './readback/staging-buffers';
import { DeviceTuning } from './timing/device-tuning';

/** How many submissions may be unfinished before `throttle` waits: they keep the device busy, and bound the memory. */
const UNFINISHED_SUBMITS_MAX = 16;
const MARKER_BYTES = 4;

class GpuTensor implements DeviceTensor {
  constructor(
    readonly declaration: TensorDeclaration,
    readonly range: BufferRange,
    readonly partOf?: { readonly whole: GpuTensor; readonly offset: number },
  ) {}
}

type RecordedStep = Dispatch | { readonly clear: BufferRange };

class GpuProgram implements BoundProgram {
  constructor(
    readonly name: string,
    readonly steps: readonly RecordedStep[],
  ) {}
}

class GpuRecordedRun extends RecordedOnce<readonly RecordedCommands[]> {}

export interface WebGpuParts {
  /** Kept alive as long as the device: Dawn's instance must not be collected before it. */
  readonly gpu: GPU;
  readonly device: GPUDevice;
  readonly adapter: AdapterDescription;
  readonly clock: Clock;
  readonly submissions?: SubmissionOptions;
}

/** Runs programs on a WebGPU device. There is one per thread: Dawn must not be used from two threads at once. */
export class WebGpuBackend implements Backend {
  readonly kind = 'webgpu';
  readonly elementType = 'f32';
  readonly adapter: AdapterDescription;
  readonly adapterClass: 'cpu' | 'gpu';
  readonly target: KernelTarget;
  readonly tuning: DeviceTuning;
  private readonly tensors = new Set<GpuTensor>();
  private readonly failure: DeviceFailure;
  private readonly recorder: CommandRecorder;
  private readonly pipelines: PipelineCache;
  private readonly readback: ReadbackRing;
  /** For `finish`, which says nothing about which sizes of buffers reads still need. */
  private readonly markers: ReadbackRing;
  private readonly delays = new DelayPredictor();
  private readonly warmed = new WeakSet<GPUComputePipeline>();
  private readonly pace: SubmissionPace;
  private readonly unfinished = new CompletionWindow(UNFINISHED_SUBMITS_MAX);
  private bytes = 0;
  private sums: GpuTensor | undefined;
  private stagingBytes = 0;
  /** Of the submissions, those that `throttle` has counted. */
  private throttledCount = 0;

  constructor(private readonly parts: WebGpuParts) {
    const { device, adapter } = parts;
    this.adapter = adapter;
    this.adapterClass = adapter.adapterClass;
    // The device has all limits of its adapter, and no feature that was not asked for.
    this.target = kernelTarget({ ...adapter, features: [...device.features] });
    this.failure = new DeviceFailure(device, () => this.allocatedBytes());
    const firstGroups = new FirstGroups(device);
    this.pace = new SubmissionPace({ ...parts.submissions, adapterClass: adapter.adapterClass, clock: parts.clock });
    this.recorder = new CommandRecorder({ device, target: this.target, pace: this.pace, firstGroups });
    this.pipelines = new PipelineCache(device, this.target, firstGroups);
    this.tuning = new DeviceTuning({ ...parts, firstGroups, pipelines: this.pipelines, pace: this.pace });
    this.readback = new ReadbackRing(device);
    this.markers = new ReadbackRing(device);
  }

  get failed(): Promise<AppError> {
    return this.failure.failed;
  }

  allocate(declaration: TensorDeclaration): DeviceTensor {
    this.failure.check();
    const { device } = this.parts;
    const bytes = tensorBytes(declaration.shape, declaration.dtype);
    this.checkSize(declaration.name, bytes);
    const usage = BUFFER_USAGE.storage | BUFFER_USAGE.copySource | BUFFER_USAGE.copyDestination;
    // WebGPU zeroes new buffers; even an empty tensor needs bytes to be bound.
    const buffer = device.createBuffer({ label: declaration.name, size: Math.max(bytes, WORD_BYTES), usage });
    const tensor = new GpuTensor(declaration, { buffer, offset: 0, size: buffer.size });
    this.tensors.add(tensor);
    this.bytes += buffer.size;
    const { content, shape } = declaration;
    if (content !== undefined) this.write(tensor, constantValues(content, shape));
    return tensor;
  }

  part(whole: DeviceTensor, declaration: TensorDeclaration, offset: number): DeviceTensor {
    const own = this.own(whole);
    const view = checkPart(whole.declaration, declaration, offset);
    return new GpuTensor(declaration, bufferRange(view, own), placeIn(own, offset));
  }

  release(tensor: DeviceTensor): void {
    if (tensor instanceof GpuTensor && tensor.partOf !== undefined) return;
    const own = this.own(tensor);
    // Recorded commands still name the buffer: they must be submitted before it is destroyed.
    this.flush();
    this.tensors.delete(own);
    this.bytes -= own.range.size;
    own.range.buffer.destroy();
  }

  async bind(program: Program, tensors: ReadonlyMap<string, DeviceTensor>): Promise<BoundProgram> {
    this.failure.check();
    checkProgram(program, tensors);
    const { maxStorageBufferBindingSize } = this.parts.device.limits;
    const range = (ref: TensorRef): BufferRange => {
      const name = tensorOf(ref);
      return bufferRange(ref, name === PARTIAL_SUMS ? this.partialSums() : this.own(tensors.get(name)));
    };
    const suited = suitProgram(program, this.target, maxStorageBufferBindingSize);
    const steps = await Promise.all(
      suited.steps.map(async (step): Promise<RecordedStep> => {
        if ('clear' in step) return { clear: range(step.clear) };
        const kernel = KERNELS[step.kernel];
        const launch = await this.pipelines.launch(kernel, step.dims);
        const { pipeline, workgroups } = launch;
        const bindGroup = launch.bindGroup(kernel.bindings.map(({ name }) => range(step.tensors[name] as TensorRef)));
        return { pipeline, workgroups, bindGroup, costMs: dispatchMs(kernel, step.dims, this.pace.speed) };
      }),
    );
    this.warm(steps);
    this.failure.check();
    return new GpuProgram(program.name, steps);
  }

  /** One for all programs, since commands run one after the other. It is no tensor that a program allocates. */
  private partialSums(): GpuTensor {
    const declaration = { name: PARTIAL_SUMS, shape: [PARTIAL_SUMS_MAX], dtype: 'f32', role: 'scratch' } as const;
    const size = tensorBytes(declaration.shape, declaration.dtype);
    if (this.sums === undefined) {
      const buffer = this.parts.device.createBuffer({ label: PARTIAL_SUMS, size, usage: BUFFER_USAGE.storage });
      this.sums = new GpuTensor(declaration, { buffer, offset: 0, size });
    }
    return this.sums;
  }

  run(program: BoundProgram): void {
    this.failure.check();
    this.delays.note(program.name);
    dispatchAll(program, this.recorder);
  }

  record(program: BoundProgram): RecordedRun {
    this.failure.check();
    const kept = this.recorder.keep((recorder) => dispatchAll(program, recorder));
    return new GpuRecordedRun(program.name, kept);
  }

  enqueue(run: RecordedRun): void {
    this.failure.check();
    assert(run instanceof GpuRecordedRun, `the run of ${run.name} is not of this backend`);
    this.delays.note(run.name);
    this.recorder.submitKept(run.take());
  }

  write(tensor: DeviceTensor, data: HostArray, elementOffset = 0): void {
    this.failure.check();
    const { range, declaration } = this.own(tensor);
    checkWrite(declaration, data, elementOffset);
    // A queue's write would overtake commands that are recorded but not submitted.
    this.flush();
    const values = wholeWordsOf(deviceArray(data, declaration.dtype));
    const offset = range.offset + elementOffset * DTYPE_BYTES[declaration.dtype];
    this.parts.device.queue.writeBuffer(range.buffer, offset, values);
  }

  copy(source: DeviceTensor, target: DeviceTensor): void {
    this.failure.check();
    checkCopy(source.declaration, target.declaration);
    const { range } = this.own(source);
    this.recorder.copy(range, this.own(target).range, range.size);
  }

  async read(tensor: DeviceTensor, expectedDelayMs?: number, staging?: Staging): Promise<HostArray> {
    const [values] = await this.readAll([tensor], expectedDelayMs, staging);
    return values as HostArray;
  }

  openStaging(bytes: number, count: number): Staging {
    this.failure.check();
    this.stagingBytes += bytes * count;
    return new StagingBuffers(this.parts.device, { bytes, count }, this.readback);
  }

  async readAll(
    sources: readonly (DeviceTensor | TensorPiece)[],
    expectedDelayMs?: number,
    through?: Staging,
  ): Promise<HostArray[]> {
    this.failure.check();
    if (sources.length === 0) return [];
    const pieces = sources.map(pieceOf);
    const total = pieces.reduce((sum, piece) => sum + pieceBytes(piece), 0);
    const buffers: ReadbackBuffers = through instanceof StagingBuffers ? through : this.readback;
    const staging = buffers.take(total);
    let offset = 0;
    const offsets = pieces.map((piece) => {
      const start = offset;
      const { range, declaration } = this.own(piece.tensor);
      const within = DTYPE_BYTES[declaration.dtype] * piece.elementOffset;
      const source = { buffer: range.buffer, offset: range.offset + within };
      this.recorder.copy(source, { buffer: staging, offset: start }, pieceBytes(piece));
      offset += pieceBytes(piece);
      return start;
    });
    this.flush();
    const use = (mapped: ArrayBuffer): HostArray[] =>
      pieces.map((piece, index) => pieceValues(piece, mapped, offsets[index] as number));
    return this.wait(() => buffers.map(staging, total, use), expectedDelayMs);
  }

  flush(): void {
    this.recorder.submit();
  }

  async finish(expectedDelayMs?: number): Promise<void> {
    this.failure.check();
    // The queue's own promise would include what is submitted before the sleep is over: a command marks this moment.
    const marker = this.markers.take(MARKER_BYTES);
    this.recorder.clear({ buffer: marker, offset: 0, size: MARKER_BYTES });
    this.flush();
    await this.wait(() => this.markers.map(marker, MARKER_BYTES, () => undefined), expectedDelayMs);
    this.failure.check();
  }

  async throttle(): Promise<void> {
    const { submittedCount } = this.recorder;
    const count = submittedCount - this.throttledCount;
    this.throttledCount = submittedCount;
    await this.unfinished.enqueued(count, () => {
      const done = this.finish();
      // The marker belongs to the half that it ends.
      this.throttledCount = this.recorder.submittedCount;
      return done;
    });
  }

  /** The shader with which these dims are launched, and the naive one. */
  shaders(name: KernelName, dims: Dims): { readonly used: string; readonly naive: string } {
    const kernel = KERNELS[name];
    const naive = this.pipelines.variant(kernel, dims, true);
    return { used: this.pipelines.variant(kernel, dims).wgsl, naive: naive.wgsl };
  }

  /** Loses the device as a reset of the driver does, without this backend's knowledge: for tests of what follows. */
  loseDevice(): void {
    this.parts.device.destroy();
  }

  /** From now on programs are bound with the kernel's naive variant. */
  quarantine(name: KernelName): void {
    this.pipelines.quarantine(name);
  }

  allocatedBytes(): number {
    return this.bytes + this.stagingBytes + (this.sums?.range.size ?? 0);
  }

  /** Bytes of the buffers for reads without a staging of their own; the next reads use them again. */
  get readbackBytes(): number {
    return this.readback.bytes;
  }

  destroy(): void {
    this.failure.markDestroyed();
    for (const { range } of this.tensors) range.buffer.destroy();
    this.tensors.clear();
    this.readback.destroy();
    this.bytes = 0;
    this.stagingBytes = 0;
    this.sums = undefined;
    this.parts.device.destroy();
  }

  /**
   * Dispatches each new pipeline with no workgroups: lavapipe makes machine code at the first dispatch, which takes up
   * to a second, and should happen while binding instead of in the first step.
   */
  private warm(steps: readonly RecordedStep[]): void {
    for (const step of steps) {
      if ('clear' in step || this.warmed.has(step.pipeline)) continue;
      this.warmed.add(step.pipeline);
      this.recorder.warm(step);
    }
    this.flush();
  }

  private checkSize(name: string, bytes: number): void {
    const { maxBufferSize } = this.parts.device.limits;
    if (bytes > maxBufferSize) {
      throw tensorTooLargeError({ name, bytes, limitBytes: maxBufferSize, limit: 'maxBufferSize' });
    }
  }

  private own(tensor: DeviceTensor | undefined): GpuTensor {
    const own = tensor instanceof GpuTensor && this.tensors.has(tensor.partOf?.whole ?? tensor);
    assert(own, `tensor ${tensor?.declaration.name} is not of this backend`);
    return tensor;
  }

  /** Sleeps for most of the time that the submitted work is likely to take, then polls with `promise`. */
  private async wait<T>(promise: () => Promise<T>, expectedDelayMs: number | undefined): Promise<T> {
    const { clock } = this.parts;
    const serial = this.recorder.submittedCount;
    const pattern = this.delays.take();
    const sleepMs = this.delays.sleepMs(pattern, expectedDelayMs);
    const startMs = clock.monotonicMs();
    if (sleepMs > 0) await sleep(clock, sleepMs);
    const awakeMs = clock.monotonicMs();
    try {
      const value = await promise();
      const polledMs = clock.monotonicMs() - awakeMs;
      this.delays.learn(pattern, awakeMs - startMs, polledMs);
      this.pace.done(serial, polledMs >= 1);
      return value;
    } catch (error) {
      throw this.failure.explain(error);
    }
  }
}

/** Views have offsets that may be bound; whole words are. */
function bufferRange(ref: TensorRef, { range, declaration }: GpuTensor): BufferRange {
  if (typeof ref === 'string') return range;
  const bytes = DTYPE_BYTES[declaration.dtype];
  const offset = range.offset + ref.offset * bytes;
  return { buffer: range.buffer, offset, size: wholeWords(ref.length * bytes) };
}

function dispatchAll(program: BoundProgram, recorder: CommandRecorder): void {
  assert(program instanceof GpuProgram, `program ${program.name} is not of this backend`);
  for (const step of program.steps) {
    if ('clear' in step) recorder.clear(step.clear);
    else recorder.dispatch(step);
  }
}
