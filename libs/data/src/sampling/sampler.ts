import { assert } from '@millrace/core';
import { tokensTooFew } from '../data.errors';
import { SequencePermutation } from './sequence-permutation';
import { sequenceCount } from './split-validation';
import type { TokenRange, TokenReader } from './token-store';

export type SampleOrder = 'sequential' | 'shuffled';

export interface SamplerOptions {
  readonly order: SampleOrder;
  readonly seed: number;
  /** The part of the dataset that is sampled. */
  readonly tokens: TokenRange;
  /** Tokens of a sequence, T. */
  readonly context: number;
  /** Sequences of a step. */
  readonly global: number;
  readonly store: TokenReader;
}

/** b rows of T ids, row-major; `targets` are the same shifted by one token. */
export interface Batch {
  readonly inputs: Uint32Array;
  readonly targets: Uint32Array;
}

/**
 * Which tokens row r of step s reads: a function of (seed, sample number (s-1) * global + r) alone, so that
 * micro-batch size, number of ranks and a resume at any step change nothing. Every epoch visits every whole
 * sequence once.
 */
export class Sampler {
  /** Whole sequences in the range: the length of an epoch. */
  readonly sequences: number;
  private readonly permutation: SequencePermutation | undefined;

  /** Error: DATA.TOKENS_TOO_FEW when the range has not one sequence. */
  constructor(private readonly options: SamplerOptions) {
    const { tokens, context, order, seed } = options;
    this.sequences = sequenceCount(tokens, context);
    if (this.sequences === 0) throw tokensTooFew('train', tokens.count, context);
    this.permutation = order === 'shuffled' ? new SequencePermutation(seed, this.sequences) : undefined;
  }

  /** Position in the dataset of the first token of row `row` (0 … global-1) of step `step` (from 1). */
  rowOffset(step: number, row: number): number {
    const { global, context, tokens } = this.options;
    assert(Number.isInteger(step) && step >= 1, `step ${step}: steps count from 1`);
    assert(Number.isInteger(row) && row >= 0 && row < global, `row ${row} of ${global}`);
    const sample = (step - 1) * global + row;
    const epoch = Math.floor(sample / this.sequences);
    const index = sample % this.sequences;
    return tokens.offset + (this.permutation?.at(epoch, index) ?? index) * context;
  }

  /** Rows microIndex * micro … of step `step`. */
  batch(step: number, microIndex: number, micro: number): Batch {
    const { context, store } = this.options;
    const inputs = new Uint32Array(micro * context);
    const targets = new Uint32Array(micro * context);
    for (let row = 0; row < micro; row++) {
      const ids = store.read(this.rowOffset(step, microIndex * micro + row), context + 1);
      inputs.set(ids.subarray(0, context), row * context);
      targets.set(ids.subarray(1), row * context);
    }
    return { inputs, targets };
  }
}
