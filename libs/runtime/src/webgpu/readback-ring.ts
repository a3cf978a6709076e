import { BUFFER_USAGE, MAP_MODE_READ } from './gpu-constants';

const SIZE_BYTES_MIN = 4096;
const SIZE_STEP_BYTES = 1 << 20;
const IDLE_PER_SIZE_MAX = 4;

/** Powers of two up to 1 MiB, then whole MiB, so that a few sizes serve all reads. */
function sizeClass(bytes: number): number {
  if (bytes > SIZE_STEP_BYTES) return Math.ceil(bytes / SIZE_STEP_BYTES) * SIZE_STEP_BYTES;
  let size = SIZE_BYTES_MIN;
  while (size < bytes) size *= 2;
  return size;
}

/** Mappable buffers for reading back, used again and again. */
export class ReadbackRing {
  private readonly idle = new Map<number, GPUBuffer[]>();

  constructor(private readonly device: GPUDevice) {}

  /** A buffer of at least `bytes` to copy into. */
  take(bytes: number): GPUBuffer {
    const size = sizeClass(bytes);
    const usage = BUFFER_USAGE.mapRead | BUFFER_USAGE.copyDestination;
    return this.idle.get(size)?.pop() ?? this.device.createBuffer({ size, usage });
  }

  /**
   * Waits for the submitted copy, hands the first `bytes` to `use`, and takes the buffer back. `use` must copy what it
   * keeps: the memory goes away when it returns.
   */
  async map<T>(buffer: GPUBuffer, bytes: number, use: (mapped: ArrayBuffer) => T): Promise<T> {
    await buffer.mapAsync(MAP_MODE_READ, 0, bytes);
    const result = use(buffer.getMappedRange(0, bytes));
    buffer.unmap();
    this.giveBack(buffer);
    return result;
  }

  private giveBack(buffer: GPUBuffer): void {
    const idle = this.idle.get(buffer.size) ?? [];
    this.idle.set(buffer.size, idle);
    if (idle.length < IDLE_PER_SIZE_MAX) idle.push(buffer);
    else buffer.destroy();
  }
}
