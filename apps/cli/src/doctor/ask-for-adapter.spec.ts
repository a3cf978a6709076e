import { expect, it } from 'vitest';
import { readDescription } from './ask-for-adapter';

it('finds the description among what a driver prints', () => {
  const description = { adapterClass: 'cpu' as const, features: [], limits: {} };
  const stdout = `{warning} lavapipe is slow\n${JSON.stringify(description)}\nlast words of a driver\n`;
  expect(readDescription(stdout)).toEqual(description);
  expect(() => readDescription('no adapter\n')).toThrow();
});
