import { expect, it } from 'vitest';
import { RepeatedLines } from './driver-warnings';

it('lets a line through once, and then at the 10th, 100th … time', () => {
  const lines = new RepeatedLines();
  const printed = Array.from({ length: 250 }, () => lines.take('Warning: a')).filter((line) => line !== undefined);
  expect(printed).toEqual(['Warning: a', 'Warning: a (said 10 times)', 'Warning: a (said 100 times)']);
  expect(lines.take('Warning: b')).toBe('Warning: b');
});

it('remembers a bounded number of lines', () => {
  const lines = new RepeatedLines();
  for (let index = 0; index <= 100; index++) expect(lines.take(`Warning: ${index}`)).toBe(`Warning: ${index}`);
  expect(lines.take('Warning: 100')).toBeUndefined();
  expect(lines.take('Warning: 0')).toBe('Warning: 0');
});
