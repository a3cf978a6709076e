import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { FreedMemory } from './freed-memory';

it('gives memory back once, when no thread has run for a while', () => {
  const clock = new FakeClock();
  let givenBack = 0;
  const memory = new FreedMemory(clock, () => () => void givenBack++);
  memory.threadStarted();
  memory.threadStarted();
  memory.threadEnded();
  expect(clock.fireNext()).toBe(false);
  memory.threadEnded();
  // The next run starts before the wait is over.
  memory.threadStarted();
  expect(clock.fireNext()).toBe(false);
  memory.threadEnded();
  clock.fireNext();
  expect(givenBack).toBe(1);
  expect(clock.fireNext()).toBe(false);
});

it('loads what gives memory back when there is some to give back for the first time, and only then', () => {
  const clock = new FakeClock();
  let loaded = 0;
  const memory = new FreedMemory(clock, () => {
    loaded++;
    return () => undefined;
  });
  expect(loaded).toBe(0);
  for (let run = 0; run < 2; run++) {
    memory.threadStarted();
    memory.threadEnded();
    expect(clock.fireNext()).toBe(true);
    expect(loaded).toBe(1);
  }
});

it('asks glibc where there is one, and nobody elsewhere', () => {
  const clock = new FakeClock();
  const memory = new FreedMemory(clock);
  memory.threadStarted();
  memory.threadEnded();
  expect(() => clock.fireNext()).not.toThrow();
});
