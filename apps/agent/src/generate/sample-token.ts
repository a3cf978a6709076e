import { RandomStream, wordToUnit } from '@millrace/core';

export interface Sampling {
  /** With 0 the most probable token is taken, and of equal ones the one with the smallest id. */
  readonly temperature: number;
  readonly seed: number;
}

/**
 * Samples the token for `position` from one row of logits: the distribution softmax(logits / temperature), in doubles,
 * is inverted at the random number of (seed, 'generate', position), so that the same request gives the same text on any
 * partition.
 */
export function sampleToken(logits_V: ArrayLike<number>, position: number, { temperature, seed }: Sampling): number {
  let best = 0;
  for (let token = 1; token < logits_V.length; token++) {
    if ((logits_V[token] as number) > (logits_V[best] as number)) best = token;
  }
  if (temperature === 0) return best;
  const largest = logits_V[best] as number;
  const weight = (token: number): number => Math.exp(((logits_V[token] as number) - largest) / temperature);
  let total = 0;
  for (let token = 0; token < logits_V.length; token++) total += weight(token);
  const [word] = new RandomStream(seed, 'generate', 'token').words(position, 0);
  let left = wordToUnit(word) * total;
  for (let token = 0; token < logits_V.length; token++) {
    left -= weight(token);
    if (left < 0) return token;
  }
  return best;
}
