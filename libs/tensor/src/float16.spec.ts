import { describe, expect, it } from 'vitest';
import { fromFloat16Bits, roundToFloat16, toFloat16Array, toFloat16Bits } from '.';

describe('binary16', () => {
  it('has the values of IEEE 754', () => {
    const known: readonly [bits: number, value: number][] = [
      [0x0000, 0],
      [0x8000, -0],
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x0400, 2 ** -14],
      [0x3555, 0.333251953125],
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65_504],
      [0x7c00, Infinity],
      [0xfc00, -Infinity],
    ];
    for (const [bits, value] of known) {
      expect(fromFloat16Bits(bits), bits.toString(16)).toBe(value);
      expect(toFloat16Bits(value), String(value)).toBe(bits);
    }
    expect(fromFloat16Bits(0x7e00)).toBeNaN();
    expect(toFloat16Bits(NaN)).toBe(0x7e00);
  });

  it('keeps every value through a number and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromFloat16Bits(bits);
      if (!Number.isNaN(value)) expect(toFloat16Bits(value)).toBe(bits);
    }
  });

  it('rounds to the nearest, half-way to the even one, over all gaps between neighbours', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [fromFloat16Bits(bits), fromFloat16Bits(bits + 1)];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const quarter = (high - low) / 4;
      expect([toFloat16Bits(middle), toFloat16Bits(-middle)]).toEqual([even, even | 0x8000]);
      expect([toFloat16Bits(middle - quarter), toFloat16Bits(middle + quarter)]).toEqual([bits, bits + 1]);
    }
    expect([65_519.99, 65_520, 1e300].map(toFloat16Bits)).toEqual([0x7bff, 0x7c00, 0x7c00]);
    // Just below a power of two the logarithm rounds up to it.
    expect(toFloat16Bits(2 - 2 ** -52)).toBe(0x4000);
    expect(toFloat16Bits(2 ** -25)).toBe(0);
    expect(toFloat16Bits(2 ** -25 + 2 ** -60)).toBe(1);
  });

  it('makes arrays of bits, and rounds in place', () => {
    expect(toFloat16Array([1, -2, 1e-9])).toEqual(Uint16Array.of(0x3c00, 0xc000, 0));
    const values = Float64Array.of(1 / 3, 65_519, -1e6);
    roundToFloat16(values);
    expect([...values]).toEqual([0.333251953125, 65_504, -Infinity]);
  });
});
