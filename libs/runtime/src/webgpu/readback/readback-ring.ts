import { BUFFER_USAGE, MAP_MODE_READ } from '../gpu-constants';

export const READBACK_USAGE = BUFFER_USAGE.mapRead | BUFFER_USAGE.copyDestination;
const SIZE_BYTES_MIN = 4096;
const SIZE_STEP_BYTES = 1 << 20;
const POWER_BYTES_MAX = 32 << 20;
/** A buffer that so many reads did not use is freed: after a checkpoint, its large buffers are not needed. */
const IDLE_READS_MAX = 64;

/**
 * Powers of two up to 32 MiB, then whole MiB, so that a few sizes serve all reads: the groups of a snapshot are of 16
 * to 32 MiB, each of another size, and must find the buffers of those before.
 */
function sizeClass(bytes: number): number {
  if (bytes > POWER_BYTES_MAX) return Math.ceil(bytes / SIZE_STEP_BYTES) * SIZE_STEP_BYTES;
  let size = SIZE_BYTES_MIN;
  while (size < bytes) size *= 2;
  return size;
}

/** Where a read finds a buffer. */
export interface ReadbackBuffers {
  /** Returns a buffer of at least `bytes` to copy into. */
  take(bytes: number): GPUBuffer;
  /**
   * Waits for the submitted copy, passes the first `bytes` to `use`, and takes the buffer back. `use` must copy what it
   * keeps: the memory is gone when it returns.
   */
  map<T>(buffer: GPUBuffer, bytes: number, use: (mapped: ArrayBuffer) => T): Promise<T>;
}

/** Maps the first `bytes` of a buffer for as long as `use` runs. */
export async function mapBuffer<T>(buffer: GPUBuffer, bytes: number, use: (mapped: ArrayBuffer) => T): Promise<T> {
  await buffer.mapAsync(MAP_MODE_READ, 0, bytes);
  const result = use(buffer.getMappedRange(0, bytes));
  buffer.unmap();
  return result;
}

/** Mappable buffers for reading back, which are used again as long as reads of their size continue. */
export class ReadbackRing implements ReadbackBuffers {
  /** The least recently used buffer comes first. */
  private idle: { readonly buffer: GPUBuffer; readonly sinceRead: number }[] = [];
  private readCount = 0;
  private liveBytes = 0;

  constructor(private readonly device: Pick<GPUDevice, 'createBuffer'>) {}

  /** Bytes of the buffers that there are now. */
  get bytes(): number {
    return this.liveBytes;
  }

  take(bytes: number): GPUBuffer {
    const size = sizeClass(bytes);
    this.readCount++;
    const index = this.idle.findLastIndex(({ buffer }) => buffer.size === size);
    const [found] = index < 0 ? [] : this.idle.splice(index, 1);
    this.freeUnused();
    if (found !== undefined) return found.buffer;
    this.liveBytes += size;
    return this.device.createBuffer({ size, usage: READBACK_USAGE });
  }

  async map<T>(buffer: GPUBuffer, bytes: number, use: (mapped: ArrayBuffer) => T): Promise<T> {
    const result = await mapBuffer(buffer, bytes, use);
    this.idle.push({ buffer, sinceRead: this.readCount });
    return result;
  }

  /** Frees what nobody uses; the device frees the rest. */
  destroy(): void {
    for (const { buffer } of this.idle) buffer.destroy();
    this.idle = [];
    this.liveBytes = 0;
  }

  private freeUnused(): void {
    while (this.idle[0] !== undefined && this.readCount - this.idle[0].sinceRead > IDLE_READS_MAX) {
      const { buffer } = this.idle.shift()!;
      this.liveBytes -= buffer.size;
      buffer.destroy();
    }
  }
}
