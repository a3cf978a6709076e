import { describe, expect, it } from 'vitest';

/** With the tester of equal-arrays.ts, which vitest.config.mts installs. */
describe('toEqual on typed arrays', () => {
  it('takes the same bytes for equal, wherever they lie', () => {
    const values = Float64Array.of(9, -0, Number.NaN, 1.5);
    expect(values.subarray(1)).toEqual(Float64Array.of(-0, Number.NaN, 1.5));
    expect([['w', values]]).toEqual([['w', values.slice()]]);
    expect(new Map([['w', values]])).toEqual(new Map([['w', values.slice()]]));
  });

  it('still tells values, signs of zero, lengths and kinds apart', () => {
    const values = Float64Array.of(0, 1, 2);
    for (const other of [
      [0, 1, 3],
      [-0, 1, 2],
      [0, 1],
      [0, 1, 2, 3],
    ])
      expect(values).not.toEqual(Float64Array.from(other));
    expect(Uint32Array.of(1, 2)).not.toEqual(Int32Array.of(1, 2));
    expect(Float32Array.of(0)).not.toEqual(Uint32Array.of(0));
    expect([['w', values]]).not.toEqual([['w', Float64Array.of(0, 1, 3)]]);
  });
});
