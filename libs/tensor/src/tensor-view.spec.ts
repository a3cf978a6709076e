import { describe, expect, it } from 'vitest';
import { overlap, tensorOf, viewAlignment, viewOf, viewProblem } from '.';

const MATRIX = { shape: [5, 64], dtype: 'f32' } as const;

describe('views', () => {
  it('mean a part of a tensor, a name all of it', () => {
    const view = { tensor: 'x', offset: 64, length: 128 };
    expect(viewOf(view, MATRIX.shape)).toEqual(view);
    expect(viewOf('x', MATRIX.shape)).toEqual({ tensor: 'x', offset: 0, length: 320 });
    expect([tensorOf(view), tensorOf('x')]).toEqual(['x', 'x']);
  });

  it('begin where every adapter can bind, and end inside', () => {
    const problem = (offset: number, length: number): string | undefined =>
      viewProblem({ tensor: 'x', offset, length }, MATRIX);
    expect(viewAlignment('f32')).toBe(64);
    expect(problem(0, 320)).toBeUndefined();
    expect(problem(256, 64)).toBeUndefined();
    expect(problem(256, 65)).toBe('a view has elements 256 to 320 but the tensor f32[5, 64] has 320; end it inside');
    expect(problem(32, 1)).toBe(
      'a view begins at element 32, byte 128; begin it at a multiple of 64 elements, 256 bytes',
    );
    for (const [offset, length] of [
      [-64, 1],
      [0.5, 1],
      [0, 0],
      [0, -1],
      [NaN, 1],
    ] as const) {
      expect(problem(offset, length), `${offset}, ${length}`).toContain('give whole numbers');
    }
  });

  it('overlap if they have an element of one tensor in common', () => {
    const view = (tensor: string, offset: number, length: number) => ({ tensor, offset, length });
    expect(overlap(view('x', 0, 64), view('x', 64, 64))).toBe(false);
    expect(overlap(view('x', 0, 65), view('x', 64, 64))).toBe(true);
    expect(overlap(view('x', 64, 1), view('x', 0, 320))).toBe(true);
    expect(overlap(view('x', 0, 320), view('y', 0, 320))).toBe(false);
  });
});
