import { assert } from '@millrace/core';
import { tokensTooFew } from '../data.errors';
import { SequencePermutation } from './sequence-permutation';
import { sequenceCount } from './split-validation';
import type { TokenRange, TokenReader } from './token-store';

export type SampleOrder = 'sequential' | 'shuffled';

/** Step `step` first reads sample `sample` (counted from 0): the steps before it have consumed that many samples. */
export interface SampleStart {
  readonly step: number;
  readonly sample: number;
}

const FROM_THE_BEGINNING: SampleStart = { step: 1, sample: 0 };

/** How the samples of a run are numbered: in the order in which it consumes them, whatever its batch was. */
export interface SampleNumbering {
  /** How many sequences a step has. */
  readonly global: number;
  /** Where training continues from a checkpoint; without it, training begins with step 1 and the first sample. */
  readonly start?: SampleStart;
}

/** Number, counted from the run's first, of the sample that row `row` (0 … global-1) of step `step` (from 1) reads. */
export function sampleNumber(
  { global, start = FROM_THE_BEGINNING }: SampleNumbering,
  step: number,
  row: number,
): number {
  assert(Number.isInteger(step) && step >= start.step, `step ${step}: steps count from ${start.step}`);
  assert(Number.isInteger(row) && row >= 0 && row < global, `row ${row} of ${global}`);
  return start.sample + (step - start.step) * global + row;
}

export interface SamplerOptions extends SampleNumbering {
  readonly order: SampleOrder;
  readonly seed: number;
  /** The part of the dataset that is sampled. */
  readonly tokens: TokenRange;
  /** T, the number of tokens in a sequence. */
  readonly context: number;
  readonly store: TokenReader;
}

/** b rows of T ids, row-major; `targets` are the same shifted by one token. */
export interface Batch {
  readonly inputs: Uint32Array;
  readonly targets: Uint32Array;
}

/**
 * Decides which tokens row r of step s reads, as a function of (seed, sample number) alone. Samples are numbered from
 * what was consumed before the start, so that neither micro-batch size nor number of ranks nor a resume at any step
 * with any batch changes the order. Every epoch visits every whole sequence once.
 */
export class Sampler {
  /** Whole sequences in the range, which is the length of an epoch. */
  readonly sequences: number;
  private readonly permutation: SequencePermutation | undefined;

  /** Throws DATA.TOKENS_TOO_FEW when the range has not even one sequence. */
  constructor(private readonly options: SamplerOptions) {
    const { tokens, context, order, seed } = options;
    this.sequences = sequenceCount(tokens, context);
    if (this.sequences === 0) throw tokensTooFew('train', tokens.count, context);
    this.permutation = order === 'shuffled' ? new SequencePermutation(seed, this.sequences) : undefined;
  }

  /** Position in the dataset of the first token of row `row` (0 … global-1) of step `step` (from 1). */
  rowOffset(step: number, row: number): number {
    return this.sampleOffset(sampleNumber(this.options, step, row));
  }

  /** The `micro` rows of step `step` from row microIndex * micro on. */
  batch(step: number, microIndex: number, micro: number): Batch {
    return this.read(micro, (row) => this.rowOffset(step, microIndex * micro + row));
  }

  /** `count` samples from number `first` on, whatever steps they belong to. */
  samples(first: number, count: number): Batch {
    return this.read(count, (row) => this.sampleOffset(first + row));
  }

  private sampleOffset(sample: number): number {
    const { context, tokens } = this.options;
    const epoch = Math.floor(sample / this.sequences);
    const index = sample % this.sequences;
    return tokens.offset + (this.permutation?.at(epoch, index) ?? index) * context;
  }

  private read(rows: number, offsetOf: (row: number) => number): Batch {
    const { context, store } = this.options;
    const inputs = new Uint32Array(rows * context);
    const targets = new Uint32Array(rows * context);
    for (let row = 0; row < rows; row++) {
      const ids = store.read(offsetOf(row), context + 1);
      inputs.set(ids.subarray(0, context), row * context);
      targets.set(ids.subarray(1), row * context);
    }
    return { inputs, targets };
  }
}
