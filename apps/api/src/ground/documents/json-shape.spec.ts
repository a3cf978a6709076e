import { expect, it } from 'vitest';
import { jsonObstacle } from './json-shape';

it('bounds entries and depth before anything is parsed', () => {
  const numbers = (count: number): string => `[${Array.from({ length: count }, () => '1').join()}]`;
  expect(jsonObstacle(numbers(49_000))).toBeUndefined();
  expect(jsonObstacle(numbers(50_001))).toBe('the document has more than 50000 entries: shorten it');
  expect(jsonObstacle(`[${'{},'.repeat(30_000)}{}]`)).toContain('entries');
  expect(jsonObstacle('['.repeat(64) + ']'.repeat(64))).toBeUndefined();
  expect(jsonObstacle('{"a":'.repeat(65))).toBe('more than 64 brackets are open: nest less deeply');
});

it('counts nothing that stands between quotes', () => {
  expect(jsonObstacle(JSON.stringify({ csv: '[,{"'.repeat(100_000), next: '\\' }))).toBeUndefined();
  expect(jsonObstacle(`["\\"${'['.repeat(100)}"]`)).toBeUndefined();
});
