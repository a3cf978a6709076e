import type { ModelConfig, StageSlice } from '@millrace/core';
import { elementCount, tensorBytes } from '@millrace/tensor';
import { ownedParameters } from './parameters';
import type { StageProgramOptions } from './stage/stage-context';
import { type Optimizer, optimizerStates } from './training/optimizer';

/** Bytes that a checkpoint takes of a stage: its own weights and their optimizer state. */
export function stageStateBytes(config: ModelConfig, slice: StageSlice, optimizer: Optimizer): number {
  const perWeight = tensorBytes([1 + optimizerStates(optimizer).length], 'f32');
  return ownedParameters(config, slice).reduce((sum, { shape }) => sum + perWeight * elementCount(shape), 0);
}

/** Bytes of an activation between two stages; its gradient is as large. */
export function boundaryBytes({ context, hidden }: ModelConfig, options: StageProgramOptions): number {
  const { microBatch, precision, wire } = options;
  return tensorBytes([microBatch, context, hidden], precision === 'f16' || wire === 'f16' ? 'f16' : 'f32');
}

/** Bytes of the gradient that a rank with these stages sends to the other end of a model with tied embeddings. */
export function sentTiedBytes({ tieEmbeddings, vocab, hidden }: ModelConfig, slices: readonly StageSlice[]): number {
  const isEnd = (end: 'embedding' | 'head'): boolean => slices.some((slice) => slice[end]);
  return tieEmbeddings && isEnd('embedding') !== isEnd('head') ? tensorBytes([vocab, hidden], 'f32') : 0;
}
