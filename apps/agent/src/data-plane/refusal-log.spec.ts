import { silentLogger } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { RefusalLog } from './refusal-log';

it('writes a bounded number of bounded lines, and says how many it left out', () => {
  const clock = new FakeClock();
  const lines: [unknown, string][] = [];
  const log = new RefusalLog(clock, { ...silentLogger, warn: (details, message) => lines.push([details, message]) });
  for (let count = 0; count < 1000; count++) log.warn(`refused\n${'x'.repeat(100_000)}`);
  expect(lines).toHaveLength(20);
  expect(Math.max(...lines.map(([, message]) => message.length))).toBeLessThan(250);
  expect(lines[0]?.[1]).toMatch(/^refused x/);
  clock.after(10_000, () => undefined);
  clock.fireNext();
  log.warn('one more');
  expect(lines.at(-1)).toEqual([{ leftOut: 980 }, 'one more']);
});
