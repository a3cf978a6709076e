import { RandomStream, wordToUnit } from '@millrace/core';

export interface Sampling {
  /** 0 takes the likeliest token, the smallest id of equals. */
  readonly temperature: number;
  readonly seed: number;
}

/**
 * A token for `position` from one row of logits: softmax(logits / temperature) in double, inverted at the random number
 * of (seed, 'generate', position), so that the same request gives the same text on any partition.
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
