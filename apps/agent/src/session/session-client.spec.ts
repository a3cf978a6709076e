import type { agentV1 } from '@millrace/contracts';
import { AppError } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import type { SessionChannelEvents } from './session-channel';
import { SessionClient, type SessionEvent } from './session-client';

const WELCOME_TIMEOUT_MS = 20_000;

/** A client, the streams that it has dialled, and what it has told. */
function scene() {
  const clock = new FakeClock();
  const dials: SessionChannelEvents[] = [];
  const told: SessionEvent[] = [];
  const client = new SessionClient({
    dialer: {
      dial: (events) => {
        dials.push(events);
        return { send: () => undefined, close: () => events.onClosed() };
      },
    },
    clock,
    random: () => 0.5,
    register: () => ({}) as agentV1.Register,
    onEvent: (event) => told.push(event),
  });
  client.start();
  const welcome = (): void => dials.at(-1)!.onMessage({ $case: 'welcome', value: {} as agentV1.Welcome });
  const supersede = (): void =>
    dials.at(-1)!.onClosed(new AppError({ code: 'SESSION.SUPERSEDED', kind: 'aborted', message: 'a newer one' }));
  /** The API says nothing until the stream is given up, and another is dialled. */
  const giveUp = (): void => {
    const before = clock.monotonicMs();
    clock.fireNext();
    expect(clock.monotonicMs() - before).toBe(WELCOME_TIMEOUT_MS);
    clock.fireNext();
  };
  const isOver = (): boolean => told.some((event) => event.type === 'closed' && event.final);
  return { clock, dials, welcome, supersede, giveUp, isOver };
}

it('ends for good when another process has taken its name', () => {
  const { clock, dials, welcome, supersede, isOver } = scene();
  welcome();
  supersede();
  expect([isOver(), dials.length]).toEqual([true, 1]);
  expect(clock.fireNext()).toBe(false);
});

it('dials again when the API, which stood still, finds a stream that was given up, once for each of them', () => {
  const { clock, dials, welcome, supersede, giveUp, isOver } = scene();
  giveUp();
  giveUp();
  for (let found = 0; found < 2; found++) {
    welcome();
    supersede();
    expect(isOver()).toBe(false);
    clock.fireNext();
  }
  expect(dials.length).toBe(5);
  welcome();
  supersede();
  expect(isOver()).toBe(true);
});

it('ends for good when its name is taken long after a stream was given up', () => {
  const { clock, welcome, supersede, giveUp, isOver } = scene();
  giveUp();
  welcome();
  clock.standStill(60_000);
  supersede();
  expect(isOver()).toBe(true);
});
