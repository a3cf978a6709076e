import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { PEER_RESETS_MAX } from '../http2-limits';
import { ResetAllowance } from './reset-allowance';

it('lets a connection of weeks reset any number of streams, a few at a time', () => {
  const clock = new FakeClock();
  const allowance = new ResetAllowance(clock);
  for (let attempt = 0; attempt < 10 * PEER_RESETS_MAX; attempt++) {
    for (let call = 0; call < 9; call++) allowance.take();
    clock.after(1000, () => undefined);
    clock.fireNext();
  }
});

it('refuses as many at once', () => {
  const allowance = new ResetAllowance(new FakeClock());
  for (let count = 0; count < PEER_RESETS_MAX; count++) allowance.take();
  expect(() => allowance.take()).toThrow(/streams reset within a short time/);
});
