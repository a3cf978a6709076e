import type { Staging } from '../../backend';
import { mapBuffer, READBACK_USAGE, type ReadbackBuffers } from './readback-ring';

/** A buffer's size must be a multiple of so many bytes to be copied into. */
const ALIGNMENT = 4;

/** Mappable buffers of one size that are made at once; what they have no room for passes through `spare`. */
export class StagingBuffers implements Staging, ReadbackBuffers {
  readonly bytes: number;
  readonly count: number;
  private readonly own: ReadonlySet<GPUBuffer>;
  private readonly idle: GPUBuffer[];

  constructor(
    device: Pick<GPUDevice, 'createBuffer'>,
    { bytes, count }: Staging,
    private readonly spare: ReadbackBuffers,
  ) {
    this.bytes = bytes;
    this.count = count;
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    this.idle = Array.from({ length: count }, () => device.createBuffer({ size, usage: READBACK_USAGE }));
    this.own = new Set(this.idle);
  }

  take(bytes: number): GPUBuffer {
    const buffer = bytes <= this.bytes ? this.idle.pop() : undefined;
    return buffer ?? this.spare.take(bytes);
  }

  async map<T>(buffer: GPUBuffer, bytes: number, use: (mapped: ArrayBuffer) => T): Promise<T> {
    if (!this.own.has(buffer)) return this.spare.map(buffer, bytes, use);
    const result = await mapBuffer(buffer, bytes, use);
    this.idle.push(buffer);
    return result;
  }
}
