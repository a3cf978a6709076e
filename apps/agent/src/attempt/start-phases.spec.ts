import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { StartPhases } from './start-phases';

it('tells a phase that lasts, and none that is over at once', () => {
  const clock = new FakeClock();
  const told: string[] = [];
  const phases = new StartPhases({ clock, onLong: (phase) => told.push(phase) });
  phases.enter('opening');
  phases.enter('compiling');
  clock.fireNext();
  expect(told).toEqual(['compiling']);
  phases.enter('loading');
  phases.end();
  expect(clock.fireNext()).toBe(false);
  expect(told).toEqual(['compiling']);
});
