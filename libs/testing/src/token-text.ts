import { RandomStream, wordToUnit } from '@millrace/core';
import type { TokenBatch } from './train-in-process';

export interface TokenTextOptions {
  readonly vocab: number;
  readonly context: number;
  readonly microBatch: number;
  readonly microBatches: number;
}

/**
 * Token `position` of an endless made-up text: three times out of four the successor 5 * previous + 3 modulo the
 * vocabulary, else a random one, so that there is something to learn. Words of Philox keyed by (1, 'test', 'tokens').
 */
export function tokenText(vocab: number, count: number): Uint32Array {
  const stream = new RandomStream(1, 'test', 'tokens');
  const tokens = new Uint32Array(count);
  for (let position = 0; position < count; position++) {
    const [choice, value] = stream.words(0, position);
    const successor = (5 * (tokens[position - 1] ?? 0) + 3) % vocab;
    tokens[position] = wordToUnit(choice) < 0.75 ? successor : Math.floor(wordToUnit(value) * vocab);
  }
  return tokens;
}

/** Batches in the order `sequential` of the run spec: row r of step s starts at ((s-1) * rows + r) * context. */
export function textBatch(options: TokenTextOptions, step: number, microIndex: number): TokenBatch {
  const { vocab, context, microBatch, microBatches } = options;
  const first = ((step - 1) * microBatches + microIndex) * microBatch;
  const tokens = tokenText(vocab, (first + microBatch) * context + 1);
  const start = first * context;
  return { inputs: tokens.slice(start, -1), targets: tokens.slice(start + 1) };
}
