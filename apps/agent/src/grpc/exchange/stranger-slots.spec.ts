import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { STRANGERS_MAX, StrangerSlots } from './stranger-slots';

it('ends the oldest stranger when too many come, and never who has shown a key', () => {
  const ended: number[] = [];
  const slots = new StrangerSlots<number>(new FakeClock(), (stranger) => ended.push(stranger));
  slots.add(-1);
  slots.remove(-1);
  for (let stranger = 0; stranger < 10 * STRANGERS_MAX; stranger++) slots.add(stranger);
  expect(slots.size).toBe(STRANGERS_MAX);
  expect(ended).toEqual(Array.from({ length: 9 * STRANGERS_MAX }, (_, index) => index));
});

it('ends a stranger that stays idle', () => {
  const clock = new FakeClock();
  const ended: string[] = [];
  const slots = new StrangerSlots<string>(clock, (stranger, reason) => ended.push(`${stranger}: ${reason}`));
  slots.add('idle');
  slots.add('peer');
  slots.remove('peer');
  while (clock.fireNext());
  expect(ended).toEqual(['idle: it has shown no key of an attempt for 10 s']);
});
