import { assert } from '@millrace/core';

/**
 * Mean loss in nats per token, on `validation`, of a model that knows only how often each id occurs in `train`:
 * what a trained model must beat. Counts start at 1 (Laplace), so that an id which occurs only in `validation` has
 * a finite loss.
 */
export function unigramLoss(train: Iterable<number>, validation: Iterable<number>, vocab: number): number {
  const counts = new Float64Array(vocab).fill(1);
  let total = vocab;
  for (const id of train) {
    assert(id < vocab, `token ${id} of a vocabulary of ${vocab}`);
    counts[id] = (counts[id] ?? 0) + 1;
    total++;
  }
  let loss = 0;
  let tokens = 0;
  for (const id of validation) {
    assert(id < vocab, `token ${id} of a vocabulary of ${vocab}`);
    loss -= Math.log((counts[id] ?? 1) / total);
    tokens++;
  }
  return tokens === 0 ? NaN : loss / tokens;
}
