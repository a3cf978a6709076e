import { parseRunSpec, type RunSpec } from '@millrace/contracts';
import { parse } from 'yaml';
import { expect, it } from 'vitest';
import { FIRST_SPEC } from './first-spec';
import { specText } from './spec-text';

/** The same values with all keys in the opposite order: the database returns them in an order of its own. */
function reordered<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, reordered<unknown>(inner)] as const);
  return Object.fromEntries(entries.toReversed()) as T;
}

it('has the fields in the order of the schema, whatever order they come in', () => {
  const spec: RunSpec = parseRunSpec(parse(FIRST_SPEC));
  expect(Object.keys(reordered(spec))).not.toEqual(Object.keys(spec));
  expect(specText(reordered(spec))).toBe(specText(spec));
});

it('shows a spec that this version refuses as it is', () => {
  const newer = { name: 'later', model: { family: 'of next year' } } as unknown as RunSpec;
  expect(parse(specText(newer))).toEqual(newer);
});
