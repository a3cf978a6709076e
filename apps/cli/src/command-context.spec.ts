import { expect, it } from 'vitest';
import { port } from './command-context';

it('takes ports, and 0 for any free one', () => {
  expect([port('0'), port('7070'), port('65535')]).toEqual([0, 7070, 65_535]);
});

it.each(['65536', '-1', '70.5', '', 'http'])('refuses %j as a port', (text) => {
  expect(() => port(text)).toThrow(/from 1 to 65535/);
});
