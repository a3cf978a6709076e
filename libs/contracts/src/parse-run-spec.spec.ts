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

it('bounds every text and every list of a spec, each by its own limit', () => {
  const long = 'x'.repeat(257);
  const labels = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`label${index}`, 'a']));
  const paths = refusal({
    data: { dataset: long },
    model: { init: { from: 'safetensors', id: long } },
    resources: { include: [long], exclude: ['a', long], labels: { [long]: 'a', short: long } },
  }).fields.map(({ path }) => path);
  const expected = ['/data/dataset', '/model/init/id', '/resources/include/0', '/resources/exclude/1'];
  expect(paths).toEqual(expect.arrayContaining([...expected, '/resources/labels/short', `/resources/labels/${long}`]));
  expect(refusal({ resources: { labels } }).fields).toContainEqual({
    path: '/resources/labels',
    message: 'must have at most 64 entries',
  });
  expect(paths).not.toContain('/resources/exclude/0');
});

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
