import { describe, expect, it } from 'vitest';
import { clipCoefficient, gradientNorm, sumPartials } from './gradient-norm';
import { addLossRows } from './step-loss';

describe('gradientNorm', () => {
  it('adds in the given order, not in the order the sums arrived', () => {
    // 1e16 + 1 + 1 differs from 1 + 1 + 1e16 in double.
    const squares = new Map([
      ['b', 1],
      ['c', 1],
      ['a', 1e16],
    ]);
    expect(gradientNorm(squares, ['a', 'b', 'c'])).toBe(Math.sqrt(1e16));
    expect(gradientNorm(squares, ['b', 'c', 'a'])).toBe(Math.sqrt(1e16 + 2));
  });

  it('insists on every tensor', () => {
    expect(() => gradientNorm(new Map([['a', 1]]), ['a', 'b'])).toThrowError('no sum of squares for b');
  });

  it('keeps infinities and NaN visible', () => {
    expect(gradientNorm(new Map([['a', Infinity]]), ['a'])).toBe(Infinity);
    expect(gradientNorm(new Map([['a', NaN]]), ['a'])).toBeNaN();
  });

  it('adds f32 partials in double', () => {
    expect(sumPartials(Float32Array.of(7, 2 ** 24, 1, 1, 5), 1, 3)).toBe(2 ** 24 + 2);
    expect(addLossRows(0.5, Float32Array.of(2 ** 24, 1, 1))).toBe(2 ** 24 + 2.5);
  });
});

describe('clipCoefficient', () => {
  it('is torch.nn.utils.clip_grad_norm_ with its 1e-6', () => {
    expect(clipCoefficient(4, 1)).toBe(1 / (4 + 1e-6));
    expect(clipCoefficient(0.5, 1)).toBe(1);
    expect(clipCoefficient(1, 1)).toBe(1 / (1 + 1e-6));
    expect(clipCoefficient(1e9)).toBe(1);
  });
});
