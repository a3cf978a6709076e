import { assert } from '@millrace/core';
import { type Batch, Sampler, type SamplerOptions } from './sampler';

export interface ValidationOptions extends Omit<SamplerOptions, 'order' | 'seed'> {
  /** How many global batches are wanted. */
  readonly evalBatches: number;
  /** The target in rows that no sequence fills, which no loss counts. */
  readonly ignoredTarget: number;
}

/**
 * The sequences that every evaluation reads, from the start of the validation range: each once, and the same each time.
 * They are the whole range, or its first `evalBatches` global batches.
 */
export class ValidationSampler {
  readonly sequenceCount: number;
  private readonly sampler: Sampler;

  /** Throws DATA.TOKENS_TOO_FEW when the range has not even one sequence. */
  constructor(private readonly options: ValidationOptions) {
    this.sampler = new Sampler({ ...options, order: 'sequential', seed: 0 });
    this.sequenceCount = Math.min(options.evalBatches * options.global, this.sampler.sequences);
  }

  /** How many micro-batches of `micro` rows contain them all; the last one may be partly filled. */
  microBatchCount(micro: number): number {
    return Math.ceil(this.sequenceCount / micro);
  }

  /** Micro-batch `index` of `micro` rows. Rows after the last sequence are empty: their targets are ignored. */
  batch(index: number, micro: number): Batch {
    const count = this.microBatchCount(micro);
    assert(Number.isInteger(index) && index >= 0 && index < count, `validation micro-batch ${index} of ${count}`);
    const rows = Math.min(micro, this.sequenceCount - index * micro);
    const { inputs, targets } = this.sampler.samples(index * micro, rows);
    if (rows === micro) return { inputs, targets };
    const length = micro * this.options.context;
    const filled = {
      inputs: new Uint32Array(length),
      targets: new Uint32Array(length).fill(this.options.ignoredTarget),
    };
    filled.inputs.set(inputs);
    filled.targets.set(targets);
    return filled;
  }
}
