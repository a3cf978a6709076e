import { BUFFER_USAGE } from './gpu-constants';

export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** In bytes. */
interface BufferPlace {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

/**
 * Collects commands into one command buffer, dispatches into one pass as long as nothing else comes between: a dispatch
 * costs about 1.5 microseconds inside a pass and ten times that with an encoder of its own.
 */
export class CommandRecorder {
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private pipeline: GPUComputePipeline | undefined;
  private nothing: GPUBuffer | undefined;

  constructor(private readonly device: GPUDevice) {}

  /** Whether something waits for `submit`. */
  get pending(): boolean {
    return this.encoder !== undefined;
  }

  dispatch({ pipeline, bindGroup, workgroups }: Dispatch): void {
    this.pass ??= this.open().beginComputePass();
    if (this.pipeline !== pipeline) {
      this.pass.setPipeline(pipeline);
      this.pipeline = pipeline;
    }
    this.pass.setBindGroup(0, bindGroup);
    this.pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }

  /**
   * Dispatches no workgroups: a driver that makes machine code at the first dispatch does so. Indirectly, since Dawn
   * prints a warning about a plain 0.
   */
  warm({ pipeline, bindGroup }: Dispatch): void {
    this.nothing ??= this.device.createBuffer({ label: 'no workgroups', size: 12, usage: BUFFER_USAGE.indirect });
    this.pass ??= this.open().beginComputePass();
    this.pass.setPipeline(pipeline);
    this.pipeline = pipeline;
    this.pass.setBindGroup(0, bindGroup);
    this.pass.dispatchWorkgroupsIndirect(this.nothing, 0);
  }

  clear(buffer: GPUBuffer): void {
    this.endPass();
    this.open().clearBuffer(buffer);
  }

  copy(source: BufferPlace, target: BufferPlace, bytes: number): void {
    this.endPass();
    this.open().copyBufferToBuffer(source.buffer, source.offset, target.buffer, target.offset, bytes);
  }

  submit(): void {
    if (this.encoder === undefined) return;
    this.endPass();
    this.device.queue.submit([this.encoder.finish()]);
    this.encoder = undefined;
  }

  private open(): GPUCommandEncoder {
    this.encoder ??= this.device.createCommandEncoder();
    return this.encoder;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
    this.pipeline = undefined;
  }
}
