import { expect, it } from 'vitest';
import { deepspeedSplit } from './deepspeed-split';

it('makes equal layers even and gives heavy ends fewer', () => {
  expect(deepspeedSplit([1, 1, 1, 1, 1, 1], 3)).toEqual([2, 2, 2]);
  expect(deepspeedSplit([3, 1, 1, 1, 1, 1, 3], 3)).toEqual([2, 4, 1]);
  expect(deepspeedSplit([1, 2, 3], 3)).toEqual([1, 1, 1]);
  expect(deepspeedSplit([5, 5], 1)).toEqual([2]);
});

it('looks at the difference of the parts and not at the largest one', () => {
  // Parts of 7, 2, 4; in 1, 6, 6 the largest is smaller and the difference no larger.
  expect(deepspeedSplit([1, 6, 2, 4], 3)).toEqual([2, 1, 1]);
});
