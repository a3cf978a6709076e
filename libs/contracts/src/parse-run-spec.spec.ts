import { AppError } from '@millrace/core';
import { expect, it } from 'vitest';
import { parseRunSpec } from './parse-run-spec';

function refusal(document: unknown): AppError {
  try {
    parseRunSpec(document);
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new RangeError('the document was taken');
}

it('names the first hundred fields that are wrong, and says how many more are', () => {
  const few = refusal({ a: 1, b: 2 });
  expect(few.fields).toContainEqual({ path: '/a', message: 'unknown key' });
  const keys = Array.from({ length: 40_000 }, (_, index) => [`k${index}`, index]);
  const many = refusal(Object.fromEntries(keys));
  expect(many.fields).toHaveLength(101);
  const named = few.fields.length - 2;
  expect(many.fields.at(-1)).toEqual({ path: '', message: `${40_000 + named - 100} more are wrong: mend these first` });
  expect(many.message.length).toBeLessThan(10_000);
});
