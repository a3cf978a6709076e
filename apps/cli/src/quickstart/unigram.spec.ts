import { expect, it } from 'vitest';
import { unigramLoss } from './unigram';

it('is the cross entropy of smoothed counts', () => {
  // Trained on aaab: p(a) = (3 + 1) / 6, p(b) = (1 + 1) / 6; tested on b.
  expect(unigramLoss('aaabb', 0.2)).toBeCloseTo(-Math.log(2 / 6), 12);
});

it('gives a character that training never saw the weight of one', () => {
  expect(unigramLoss('aaaac', 0.2)).toBeCloseTo(-Math.log(1 / 6), 12);
});
