import { type Clock, sleep } from '@millrace/core';
import { BUFFER_USAGE, MAP_MODE_READ } from './gpu-constants';

const SIZE_BYTES_MIN = 4096;
const SIZE_STEP_BYTES = 1 << 20;
const IDLE_PER_SIZE_MAX = 4;
/** Part of a predicted delay that is slept: Dawn polls without pause while a promise is pending, which burns a core. */
const SLEPT_PART = 0.9;

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

  constructor(private readonly device: GPUDevice, private readonly clock: Clock) {}

  /** A buffer of at least `bytes` to copy into. */
  take(bytes: number): GPUBuffer {
    const size = sizeClass(bytes);
    return this.idle.get(size)?.pop() ?? this.device.createBuffer({ size, usage: BUFFER_USAGE.mapRead | BUFFER_USAGE.copyDestination });
  }

  /** Waits for the submitted copy, hands the first `bytes` to `use`, and takes the buffer back. */
  async map<T>(buffer: GPUBuffer, bytes: number, { expectedDelayMs, use }: MapOptions<T>): Promise<T> {
    await sleepMost(this.clock, expectedDelayMs);
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

export interface MapOptions<T> {
  readonly expectedDelayMs: number;
  /** Must copy what it keeps: the memory goes away when it returns. */
  readonly use: (mapped: ArrayBuffer) => T;
}

/** Sleeps most of a predicted delay; timers have a resolution of 1 ms, so shorter ones are not slept at all. */
export async function sleepMost(clock: Clock, expectedDelayMs: number): Promise<void> {
  const delayMs = Math.floor(expectedDelayMs * SLEPT_PART);
  if (delayMs >= 1) await sleep(clock, delayMs);
}
