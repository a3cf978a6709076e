import { silentLogger, systemClock } from '@millrace/core';
import { Http2Connection } from '@millrace/http2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DataPlane } from '../../data-plane/data-plane';
import { DEFAULT_LINK_LIMITS, type LinkTarget } from '../../data-plane/link/frame-channel';
import { ANY_FRAMES } from '../../../test/any-frames';
import { ExchangeDialer } from './exchange-dialer';
import { PROBE_BYTES_MAX } from './exchange-protocol';
import { ExchangeServer } from './exchange-server';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const KEY = 'a key of an attempt, for sure';
const IDENTITY = { runId: 'run_1', fence: 2, key: KEY, fromRank: 0 };

/** Two ranks of an attempt on two data planes. */
async function ranks(): Promise<{ dialer: ExchangeDialer; target: LinkTarget; measure: () => Promise<unknown> }> {
  const dialer = new ExchangeDialer();
  const plane = (): DataPlane =>
    new DataPlane({ dialer, limits: DEFAULT_LINK_LIMITS, clock: systemClock, random: () => 0.5, logger: silentLogger });
  const [first, second] = [plane(), plane()];
  const server = new ExchangeServer(second, silentLogger);
  const address = `127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
  const peers = [
    { rank: 0, address: 'nobody' },
    { rank: 1, address },
  ];
  const times = { firstAcceptMs: 1000, lostAfterMs: 1000 };
  const attempt = { runId: 'run_1', fence: 2, key: KEY, peers, bounds: ANY_FRAMES, ...times };
  const events = { onFrame: () => undefined, onPeerDead: () => undefined };
  const links = first.open({ ...attempt, ...events, rank: 0 });
  second.open({ ...attempt, ...events, rank: 1 });
  closers.push(() => (server.close(), dialer.close()));
  return { dialer, target: { rank: 1, address }, measure: () => links.measure(1) };
}

describe('StageService.Probe', () => {
  it('measures a link between two ranks', async () => {
    const { measure } = await ranks();
    const link = (await measure()) as { latencySeconds: number; bytesPerSecond: number };
    expect(link.latencySeconds).toBeGreaterThan(0);
    expect(link.latencySeconds).toBeLessThan(1);
    expect(link.bytesPerSecond).toBeGreaterThan(1e6);
  });

  it('ends its calls without a reset, however many there are', async () => {
    const resets = vi.spyOn(Http2Connection.prototype, 'sendReset');
    const { dialer, target } = await ranks();
    for (let count = 0; count < 20; count++) await dialer.probe(target, IDENTITY, 10);
    expect(resets).not.toHaveBeenCalled();
  });

  it('refuses who is not in the attempt, and more bytes than a probe has', async () => {
    const { dialer, target } = await ranks();
    await expect(dialer.probe(target, { ...IDENTITY, key: 'guessed' }, 0)).rejects.toThrow();
    await expect(dialer.probe(target, { ...IDENTITY, fence: 1 }, 0)).rejects.toThrow();
    await expect(dialer.probe(target, IDENTITY, PROBE_BYTES_MAX + 1)).rejects.toThrow(/larger|too|bytes/);
    await dialer.probe(target, IDENTITY, 1000);
  });

  it('fails where nobody listens', async () => {
    const dialer = new ExchangeDialer();
    closers.push(() => dialer.close());
    await expect(dialer.probe({ rank: 1, address: '127.0.0.1:1' }, IDENTITY, 0)).rejects.toThrow();
  });
});
