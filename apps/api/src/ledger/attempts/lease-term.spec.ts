import { silentLogger } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import type { ApiConfig } from '../../ground/config/api-config';
import { LeaseTerm } from './lease-term';

const LEASE_MS = 15_000;

function scene(): { term: LeaseTerm; pass: (ms: number) => void } {
  const clock = new FakeClock();
  const term = new LeaseTerm({ leaseMs: LEASE_MS } as ApiConfig, clock, silentLogger);
  const pass = (ms: number): void => {
    clock.after(ms, () => undefined);
    clock.fireNext();
  };
  return { term, pass };
}

it('lets leases end one full term after the start', () => {
  const { term, pass } = scene();
  pass(LEASE_MS - 1);
  expect(term.hasPassed).toBe(false);
  pass(1);
  expect(term.hasPassed).toBe(true);
});

it('starts anew when the database refuses a renewal, and passes the error on', async () => {
  const { term, pass } = scene();
  pass(LEASE_MS);
  const away = new RangeError('the database is away');
  await expect(term.watch(() => Promise.reject(away))).rejects.toBe(away);
  expect(term.hasPassed).toBe(false);
  pass(LEASE_MS);
  expect(term.hasPassed).toBe(true);
});

it('starts anew when the database was long in answering, and not for an answer in time', async () => {
  const { term, pass } = scene();
  const after = async (ms: number): Promise<number> => {
    pass(ms);
    return ms;
  };
  pass(LEASE_MS);
  await term.watch(() => after(LEASE_MS / 4));
  expect(term.hasPassed).toBe(true);
  // The server stood still: its answer is right, but heartbeats were not stored meanwhile.
  await term.watch(() => after(LEASE_MS / 2));
  expect(term.hasPassed).toBe(false);
});

it('starts anew while a renewal waits, whatever other connections to the database say', async () => {
  const { term, pass } = scene();
  let answer = (): void => undefined;
  const renewal = term.watch(() => new Promise<void>((done) => (answer = done)));
  pass(LEASE_MS);
  expect(term.hasPassed).toBe(true);
  term.noteWaits();
  expect(term.hasPassed).toBe(false);
  expect(term.untold).toBeDefined();
  answer();
  await renewal;
  pass(LEASE_MS);
  term.noteWaits();
  expect(term.hasPassed).toBe(true);
});

it('has other replicas told of every restart, also of one that came while the last was told', () => {
  const { term } = scene();
  expect(term.untold).toBeUndefined();
  term.restart('first');
  const { untold } = term;
  term.restart('second');
  term.told(untold!);
  expect(term.untold).toBeDefined();
  term.told(term.untold!);
  expect(term.untold).toBeUndefined();
});
