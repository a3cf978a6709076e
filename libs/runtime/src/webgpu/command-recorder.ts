import { cutLaunch, type KernelTarget } from '@millrace/kernels';
import { movingMs } from '../submission/dispatch-cost';
import type { SubmissionPace } from '../submission/submission-pace';
import type { FirstGroups } from './first-groups';
import { BUFFER_USAGE } from './gpu-constants';

type Workgroups = readonly [number, number, number];

export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: Workgroups;
  /** Predicted from the device's speed. */
  readonly costMs: number;
}

/** A part of a buffer, in bytes. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Commands that are recorded and not submitted. */
export interface RecordedCommands {
  readonly commands: GPUCommandBuffer;
  readonly costMs: number;
}

/** A place in a buffer, in bytes. */
interface BufferPlace {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

export interface RecorderParts {
  readonly device: GPUDevice;
  readonly target: Pick<KernelTarget, 'maxWorkgroupsPerDimension'>;
  readonly pace: SubmissionPace;
  readonly firstGroups: FirstGroups;
}

/**
 * Collects commands into command buffers, with dispatches in one pass as long as nothing else comes between them: a
 * dispatch costs about 1.5 microseconds inside a pass, and ten times that with an encoder of its own. What takes too
 * long for one submission goes into several, and a command that takes too long by itself is cut into parts.
 */
export class CommandRecorder {
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private pipeline: GPUComputePipeline | undefined;
  private firstGroup: GPUBindGroup | undefined;
  private nothing: GPUBuffer | undefined;
  /** The predicted time of what is recorded and not submitted. */
  private openMs = 0;
  private count = 0;

  constructor(
    private readonly parts: RecorderParts,
    /** Keeps what would be submitted. */
    private readonly kept?: RecordedCommands[],
  ) {}

  get submittedCount(): number {
    return this.count;
  }

  dispatch(launch: Dispatch): void {
    const { pace, target, firstGroups } = this.parts;
    const { workgroups, costMs } = launch;
    const partCount = pace.partCount(costMs);
    if (partCount === 1) return this.record(launch, workgroups, { first: firstGroups.zero, costMs });
    const total = workgroups[0] * workgroups[1] * workgroups[2];
    for (const { firstGroup, groupCount } of cutLaunch(workgroups, partCount, target)) {
      const first = firstGroups.at(firstGroup);
      this.record(launch, [groupCount, 1, 1], { first, costMs: (costMs * groupCount) / total });
    }
  }

  /**
   * Dispatches no workgroups, so that a driver which makes machine code at the first dispatch does so now. The dispatch
   * is indirect, since Dawn prints a warning about a plain 0.
   */
  warm({ pipeline, bindGroup }: Dispatch): void {
    const { device, firstGroups } = this.parts;
    this.nothing ??= device.createBuffer({ label: 'no workgroups', size: 12, usage: BUFFER_USAGE.indirect });
    this.bind(pipeline, bindGroup, firstGroups.zero).dispatchWorkgroupsIndirect(this.nothing, 0);
  }

  clear({ buffer, offset: start, size }: BufferRange): void {
    this.inParts(size, movingMs(size, this.parts.pace.speed), (offset, bytes) =>
      this.open().clearBuffer(buffer, start + offset, bytes),
    );
  }

  copy(source: BufferPlace, target: BufferPlace, bytes: number): void {
    // The bytes are read and written.
    this.inParts(bytes, movingMs(2 * bytes, this.parts.pace.speed), (offset, part) =>
      this.open().copyBufferToBuffer(
        source.buffer,
        source.offset + offset,
        target.buffer,
        target.offset + offset,
        part,
      ),
    );
  }

  /** Does nothing if nothing is recorded. */
  submit(): void {
    if (this.encoder === undefined) return;
    this.endPass();
    const recorded = { commands: this.encoder.finish(), costMs: this.openMs };
    this.encoder = undefined;
    this.openMs = 0;
    if (this.kept === undefined) this.send(recorded);
    else this.kept.push(recorded);
  }

  /** Records what `record` asks of the recorder that it is given, in command buffers of their own. */
  keep(record: (recorder: CommandRecorder) => void): RecordedCommands[] {
    const kept: RecordedCommands[] = [];
    const recorder = new CommandRecorder(this.parts, kept);
    record(recorder);
    recorder.submit();
    return kept;
  }

  /** Submits what was kept, after everything recorded so far. */
  submitKept(kept: readonly RecordedCommands[]): void {
    this.submit();
    for (const recorded of kept) this.send(recorded);
  }

  private send({ commands, costMs }: RecordedCommands): void {
    this.parts.device.queue.submit([commands]);
    this.count++;
    this.parts.pace.submitted(this.count, costMs);
  }

  private record(
    { pipeline, bindGroup }: Dispatch,
    workgroups: Workgroups,
    { first, costMs }: { readonly first: GPUBindGroup; readonly costMs: number },
  ): void {
    this.makeRoom(costMs);
    this.bind(pipeline, bindGroup, first).dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }

  private bind(pipeline: GPUComputePipeline, bindGroup: GPUBindGroup, first: GPUBindGroup): GPUComputePassEncoder {
    this.pass ??= this.open().beginComputePass();
    if (this.pipeline !== pipeline) {
      this.pass.setPipeline(pipeline);
      this.pipeline = pipeline;
    }
    this.pass.setBindGroup(0, bindGroup);
    if (this.firstGroup !== first) {
      this.pass.setBindGroup(1, first);
      this.firstGroup = first;
    }
    return this.pass;
  }

  /** Runs a command on bytes in parts of whole words. */
  private inParts(bytes: number, costMs: number, command: (offset: number, bytes: number) => void): void {
    const wordsPerPart = Math.max(1, Math.floor(bytes / 4 / this.parts.pace.partCount(costMs)));
    const partBytes = 4 * wordsPerPart;
    for (let offset = 0; offset < bytes; offset += partBytes) {
      const part = Math.min(partBytes, bytes - offset);
      this.makeRoom((costMs * part) / bytes);
      this.endPass();
      command(offset, part);
    }
  }

  private makeRoom(costMs: number): void {
    if (!this.parts.pace.fits(costMs, this.openMs)) this.submit();
    this.openMs += costMs;
  }

  private open(): GPUCommandEncoder {
    this.encoder ??= this.parts.device.createCommandEncoder();
    return this.encoder;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
    this.pipeline = undefined;
    this.firstGroup = undefined;
  }
}
