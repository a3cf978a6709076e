import { wordsOf } from '@millrace/core';
import type { ProgramStep } from '@millrace/kernels';
import type { StageContext } from './stage-context';

/** What the random numbers of a micro-batch are drawn for: a row of words for each of its sequences. */
export const SEQUENCES = 'sequences_B5';
const WORDS_PER_SEQUENCE = 5;

/** The halves of a block, whose outputs are added to the residual stream. */
export type Branch = 'attention' | 'feed-forward';

/** Where a model drops elements. Each site draws numbers of its own. */
export type DropoutSite = 'embedding' | `h.${number}.${Branch}`;

interface DroppedTensors {
  readonly x: string;
  /** A tensor that is added to the result. */
  readonly residual?: string;
  readonly y: string;
}

/** y = dropout(x) (+ residual). Of a gradient it drops what the forward of the same site has dropped. */
export function dropoutStep(context: StageContext, site: DropoutSite, { x, residual, y }: DroppedTensors): ProgramStep {
  const { catalog, dropout: p } = context;
  const { B, T, C } = context.sizes;
  const content = { stream: { purpose: 'dropout', name: site } };
  return {
    kernel: 'dropout',
    dims: { B, T, C, p, residual: residual === undefined ? 0 : 1 },
    tensors: {
      x_BTC: x,
      // An unused residual is bound to x, which is only read.
      residual_BTC: residual ?? x,
      site_2: catalog.add({ name: `dropout.${site}_2`, shape: [2], dtype: 'u32', role: 'constant', content }),
      sequences_B5: catalog.declareIds(SEQUENCES, [B, WORDS_PER_SEQUENCE], 'input'),
      y_BTC: y,
    },
  };
}

export interface BranchGradient {
  readonly steps: readonly ProgramStep[];
  /** The gradient of the branch's output. */
  readonly dbranch: string;
}

/**
 * From the gradient of the residual stream after a branch to that of the branch's output before its dropout. I and W
 * each compute it: that takes less than keeping it from one to the other.
 */
export function branchGradient(context: StageContext, site: DropoutSite, dy: string): BranchGradient {
  if (context.dropout === 0) return { steps: [], dbranch: dy };
  const { catalog, sizes } = context;
  const dbranch = catalog.declare('scratch.dbranch_NC', [sizes.N, sizes.C], 'scratch');
  return { steps: [dropoutStep(context, site, { x: dy, y: dbranch })], dbranch };
}

/** Consecutive samples of one step. */
export interface SampleRange {
  readonly seed: number;
  readonly step: number;
  /** The number of the first one, counted from the run's first sample. */
  readonly firstSample: number;
  readonly count: number;
}

/** The content of `sequences`: the seed's low and high word, the step, and the sample's low and high word of each. */
export function sequenceWords({ seed, step, firstSample, count }: SampleRange): Uint32Array {
  const rows = Array.from({ length: count }, (_, row) => [...wordsOf(seed), step, ...wordsOf(firstSample + row)]);
  return Uint32Array.from(rows.flat());
}
