import { silentLogger } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { expect, it } from 'vitest';
import { ANY_FRAMES } from '../../test/any-frames';
import { ExchangeDialer } from '../grpc/exchange/exchange-dialer';
import type { AttemptLinks } from './attempt-links';
import { DataPlane } from './data-plane';
import { DEFAULT_LINK_LIMITS } from './link/frame-channel';
import { MessageMemory } from './message-memory';

const BYTES = 100 * 1024;

it('keeps memory for messages while any attempt is live, and none when the last one is over', () => {
  const memory = new MessageMemory();
  const clock = new FakeClock();
  const settings = { limits: DEFAULT_LINK_LIMITS, clock, random: () => 0.5, logger: silentLogger };
  const plane = new DataPlane({ dialer: new ExchangeDialer(), ...settings }, memory);
  const open = (runId: string): AttemptLinks =>
    plane.open({
      ...{ runId, fence: 1, key: 'secret', rank: 0, peers: [], bounds: ANY_FRAMES, credential: undefined },
      ...{ firstAcceptMs: 1000, lostAfterMs: 1000, onFrame: () => undefined, onPeerDead: () => undefined },
    });
  const [first, second] = [open('run_1'), open('run_2')];
  const payload = memory.take(BYTES);
  first.recycle(payload);
  plane.close(first, 'done');
  expect(memory.take(BYTES)).toBe(payload);
  second.recycle(payload);
  plane.close(second, 'done');
  expect(memory.take(BYTES)).not.toBe(payload);
  // The GPU thread gives memory back when it ends, which is after the links were closed.
  second.recycle(payload);
  expect(memory.take(BYTES)).not.toBe(payload);
});
