import { KERNELS } from '@millrace/kernels';
import { DTYPE_BYTES } from '@millrace/tensor';
import { scratchBytes, scratchRoom, type TuningCase } from '../../tuning/tuning-cases';
import { elementsUsed } from '../../views/binding-use';
import type { BufferRange } from '../command-recorder';
import { BUFFER_USAGE } from '../gpu-constants';

/** Numbers that are repeated: no power of two many, so that rows differ. */
const PATTERN_WORDS = 65_521;

/** What variants are tried on: one buffer that all of them read, of fixed numbers, and one that they write. */
export class ScratchMemory {
  private constructor(
    private readonly read: GPUBuffer,
    readonly written: GPUBuffer,
  ) {}

  /** Undefined where the device has no room for it, which is no failure of the device. */
  static async open(device: GPUDevice, cases: readonly TuningCase[]): Promise<ScratchMemory | undefined> {
    const sizes = cases.map(({ kernel, dims }) => scratchBytes(KERNELS[kernel], dims));
    const usage = BUFFER_USAGE.storage | BUFFER_USAGE.copySource | BUFFER_USAGE.copyDestination;
    const make = (label: string, needed: readonly number[]): GPUBuffer =>
      device.createBuffer({ label, size: scratchRoom(Math.max(1, ...needed)), usage });
    // Nothing else of this thread runs between the two calls, so that the scope holds these buffers alone.
    device.pushErrorScope('out-of-memory');
    const read = make(
      'tried: read',
      sizes.map(({ readBytes }) => readBytes),
    );
    const written = make(
      'tried: written',
      sizes.map(({ writeBytes }) => writeBytes),
    );
    const scratch = new ScratchMemory(read, written);
    const error = await device.popErrorScope();
    if (error !== null) {
      scratch.destroy();
      return undefined;
    }
    scratch.fill(device);
    return scratch;
  }

  /** The range of each of the case's bindings, in their order. */
  bindings({ kernel: name, dims }: TuningCase): BufferRange[] {
    let offset = 0;
    return KERNELS[name].bindings.map((binding) => {
      const size = scratchRoom(elementsUsed(binding, dims) * DTYPE_BYTES[binding.dtype]);
      if (binding.access === 'read') return { buffer: this.read, offset: 0, size };
      offset += size;
      return { buffer: this.written, offset: offset - size, size };
    });
  }

  destroy(): void {
    this.read.destroy();
    this.written.destroy();
  }

  /**
   * Words whose halves are f16 numbers from 0.5 to 1 of either sign, and which are f32 numbers below 2^-7: neither is
   * infinite or none. Zeros would give the same bits in every order of a sum.
   */
  private fill(device: GPUDevice): void {
    const pattern = Uint32Array.from({ length: PATTERN_WORDS }, (_, index) => {
      return (Math.imul(index + 1, 0x9e3779b1) & 0x83ff83ff) | 0x38003800;
    });
    const usage = BUFFER_USAGE.copySource | BUFFER_USAGE.copyDestination;
    const source = device.createBuffer({ label: 'tried: pattern', size: pattern.byteLength, usage });
    device.queue.writeBuffer(source, 0, pattern);
    const encoder = device.createCommandEncoder();
    for (let offset = 0; offset < this.read.size; offset += source.size) {
      encoder.copyBufferToBuffer(source, 0, this.read, offset, Math.min(source.size, this.read.size - offset));
    }
    device.queue.submit([encoder.finish()]);
    source.destroy();
  }
}
