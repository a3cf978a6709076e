import { silentLogger, systemClock } from '@millrace/core';
import { DataPlane } from '../src/data-plane/data-plane';
import type { LinkLimits } from '../src/data-plane/link/frame-channel';
import { ANY_FRAMES } from './any-frames';
import { LinkTransport } from './link-transport';
import { ExchangeDialer } from '../src/grpc/exchange/exchange-dialer';
import { ExchangeServer } from '../src/grpc/exchange/exchange-server';

/** Every rank of an attempt with a server and links of its own, over sockets of this machine. */
export async function linkedTransports(
  ranks: number,
  limits: LinkLimits,
): Promise<{ readonly transports: readonly LinkTransport[]; close(): void }> {
  const nodes = await Promise.all(
    Array.from({ length: ranks }, async () => {
      const dialer = new ExchangeDialer();
      const plane = new DataPlane({ dialer, limits, clock: systemClock, random: () => 0.5, logger: silentLogger });
      const server = new ExchangeServer(plane, silentLogger);
      return { dialer, plane, server, port: await server.listen('127.0.0.1', 0) };
    }),
  );
  const peers = nodes.map(({ port }, rank) => ({ rank, address: `127.0.0.1:${port}` }));
  const opened = nodes.map(({ plane, server, dialer }, rank) => {
    const transport = new LinkTransport(() => systemClock.now());
    const links = plane.open({
      runId: 'run_test',
      fence: 1,
      key: 'k'.repeat(64),
      rank,
      peers,
      bounds: ANY_FRAMES,
      firstAcceptMs: 20_000,
      lostAfterMs: 20_000,
      onFrame: (delivered) => transport.onFrame(delivered),
      onPeerDead: (_, error) => transport.fail(error),
    });
    transport.attach(links);
    return { transport, close: () => (plane.close(links, 'test over'), server.close(), dialer.close()) };
  });
  return {
    transports: opened.map(({ transport }) => transport),
    close: () => opened.forEach(({ close }) => close()),
  };
}
