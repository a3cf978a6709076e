import { describe, expect, it } from 'vitest';
import { formatValue } from './format-number';

describe('a value on a chart', () => {
  it('is written as people write it, and with an exponent only where that is shorter', () => {
    const texts = [0, 0.0005, 0.00012346, 2.3168, 0.0015, 123_456].map(formatValue);
    expect(texts).toEqual(['0', '0.0005', '0.00012346', '2.3168', '0.0015', '123460']);
    expect([0.00005, 1.5e-7, -2e6, 1.23e9].map(formatValue)).toEqual(['5e-5', '1.5e-7', '-2e+6', '1.23e+9']);
    expect(formatValue(Number.NaN)).toBe('NaN');
  });
});
