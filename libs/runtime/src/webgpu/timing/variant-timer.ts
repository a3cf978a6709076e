import { AppError, type Clock } from '@millrace/core';
import { KERNELS, type KernelVariant } from '@millrace/kernels';
import { scratchBytes, type TuningCase } from '../../tuning/tuning-cases';
import type { FirstGroups } from '../first-groups';
import { BUFFER_USAGE, MAP_MODE_READ } from '../gpu-constants';
import type { PipelineCache } from '../pipeline-cache';
import { PassClock, type RecordPass } from './pass-clock';
import { ScratchMemory } from './scratch-memory';

/** A pass repeats a short launch for about this time: Dawn rounds timestamps to 65 microseconds. */
const PASS_MS = 4;
const REPEATS_MAX = 256;
const PASSES = 3;
/** Of what a variant writes, so much from the beginning and as much from the end is compared. */
const COMPARED_BYTES = 256 * 1024;

export interface TimerParts {
  readonly device: GPUDevice;
  readonly pipelines: PipelineCache;
  readonly firstGroups: FirstGroups;
  readonly clock: Clock;
}

/** Runs variants on scratch memory: it compares their bits with the usual one's, and tells their time. */
export class VariantTimer {
  private readonly passes: PassClock;
  private readonly compared: GPUBuffer;
  /** What the usual variant of the case at hand has written. */
  private expected: { readonly of: TuningCase; readonly bits: Uint32Array } | undefined;

  private constructor(
    private readonly parts: TimerParts,
    private readonly scratch: ScratchMemory,
  ) {
    const { device, clock } = parts;
    this.passes = new PassClock(device, clock);
    const usage = BUFFER_USAGE.mapRead | BUFFER_USAGE.copyDestination;
    this.compared = device.createBuffer({ label: 'tried: compared', size: 2 * COMPARED_BYTES, usage });
  }

  /** Undefined where the device has no memory left to try anything on. */
  static async open(parts: TimerParts, cases: readonly TuningCase[]): Promise<VariantTimer | undefined> {
    const scratch = await ScratchMemory.open(parts.device, cases);
    return scratch === undefined ? undefined : new VariantTimer(parts, scratch);
  }

  /**
   * Milliseconds of one launch. Undefined for a variant that does not compile, or whose bits are not those of the
   * case's first one: drivers may round the same sum in two ways where shaders write it in two. Undefined also where
   * the device's timestamps tell nothing.
   */
  async measure(tuned: TuningCase, variant: KernelVariant): Promise<number | undefined> {
    const launch = await this.launch(tuned, variant);
    if (launch === undefined) return undefined;
    const bits = await this.bitsOf(tuned, launch);
    if (variant === tuned.variants[0]) this.expected = { of: tuned, bits };
    else if (this.expected?.of !== tuned || !isEqual(bits, this.expected.bits)) return undefined;
    const onceMs = await this.passes.measureMs(launch);
    const repeats = Math.max(1, Math.min(REPEATS_MAX, Math.ceil(PASS_MS / Math.max(onceMs, PASS_MS / REPEATS_MAX))));
    let leastMs = repeats === 1 ? onceMs : Infinity;
    for (let pass = 0; pass < PASSES; pass++) {
      const ms = await this.passes.measureMs((on) => {
        for (let index = 0; index < repeats; index++) launch(on);
      });
      leastMs = Math.min(leastMs, ms / repeats);
    }
    // The timestamps of some drivers go back.
    return leastMs > 0 ? leastMs : undefined;
  }

  destroy(): void {
    this.passes.destroy();
    this.scratch.destroy();
    this.compared.destroy();
  }

  private async launch(tuned: TuningCase, variant: KernelVariant): Promise<RecordPass | undefined> {
    const { pipelines, firstGroups } = this.parts;
    try {
      const launched = await pipelines.launch(KERNELS[tuned.kernel], tuned.dims, variant);
      const { pipeline, workgroups } = launched;
      const bindGroup = launched.bindGroup(this.scratch.bindings(tuned));
      return (pass) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.setBindGroup(1, firstGroups.zero);
        pass.dispatchWorkgroups(...workgroups);
      };
    } catch (error) {
      if (error instanceof AppError && error.code === 'RUNTIME.COMPILE') return undefined;
      throw error;
    }
  }

  private async bitsOf({ kernel, dims }: TuningCase, launch: RecordPass): Promise<Uint32Array> {
    const { device } = this.parts;
    const { written } = this.scratch;
    const { writeBytes } = scratchBytes(KERNELS[kernel], dims);
    const partBytes = Math.min(COMPARED_BYTES, writeBytes);
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(written);
    const pass = encoder.beginComputePass();
    launch(pass);
    pass.end();
    encoder.copyBufferToBuffer(written, 0, this.compared, 0, partBytes);
    encoder.copyBufferToBuffer(written, writeBytes - partBytes, this.compared, partBytes, partBytes);
    device.queue.submit([encoder.finish()]);
    await this.compared.mapAsync(MAP_MODE_READ, 0, 2 * partBytes);
    const bits = new Uint32Array(this.compared.getMappedRange(0, 2 * partBytes).slice(0));
    this.compared.unmap();
    return bits;
  }
}

function isEqual(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index]);
}
