import { assert } from '@millrace/core';
import { type Batch, Sampler, type SamplerOptions } from './sampler';

export interface ValidationOptions extends Omit<SamplerOptions, 'order' | 'seed'> {
  /** Global batches wanted. */
  readonly evalBatches: number;
}

/**
 * The global batches that every evaluation reads: sequential from the start of the validation range, the same each
 * time.
 */
export class ValidationSampler {
  /** `evalBatches`, or as many as the range fills without reading a sequence twice, but at least one. */
  readonly batchCount: number;
  private readonly sampler: Sampler;

  /** Error: DATA.TOKENS_TOO_FEW when the range has not one sequence. */
  constructor(options: ValidationOptions) {
    this.sampler = new Sampler({ ...options, order: 'sequential', seed: 0 });
    this.batchCount = Math.max(1, Math.min(options.evalBatches, Math.floor(this.sampler.sequences / options.global)));
  }

  /** Micro-batch `microIndex` of `micro` rows of global batch `batchIndex` (0 … batchCount-1). */
  batch(batchIndex: number, microIndex: number, micro: number): Batch {
    assert(batchIndex >= 0 && batchIndex < this.batchCount, `validation batch ${batchIndex} of ${this.batchCount}`);
    return this.sampler.batch(batchIndex + 1, microIndex, micro);
  }
}
