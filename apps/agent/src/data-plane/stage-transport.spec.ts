import { crc32 } from 'node:zlib';
import { type AppError, silentLogger, sleep, systemClock } from '@millrace/core';
import { afterEach, describe, expect, it } from 'vitest';
import { InMemoryNetwork, makeGangCredentials } from '@millrace/testing';
import { ExchangeDialer } from '../grpc/exchange/exchange-dialer';
import { ExchangeServer } from '../grpc/exchange/exchange-server';
import type { AttemptLinks } from './attempt-links';
import { DataPlane } from './data-plane';
import type { FrameBounds, TensorFrame, FrameKey } from './frame';
import type { FrameChannel, FrameDialer, LinkLimits, StreamIdentity } from './link/frame-channel';
import { ANY_FRAMES } from '../../test/any-frames';
import { LinkTransport } from '../../test/link-transport';
import type { StageTransport } from './stage-transport';

const LIMITS: LinkLimits = { windowBytes: 64 * 1024, partBytes: 16 * 1024 };
/** Connections to this address arrive on loopback, but the address does not show that: it requires TLS. */
const BEYOND_LOOPBACK = '0.0.0.0';
const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

interface Node {
  readonly transport: StageTransport;
  readonly links: AttemptLinks;
  readonly dialer: BreakableDialer;
  readonly plane: DataPlane;
  readonly server: ExchangeServer;
  readonly dead: { rank: number; error: AppError }[];
}

/** A dialer that breaks all open calls on demand, as a network would. */
class BreakableDialer implements FrameDialer {
  readonly inner = new ExchangeDialer();
  private readonly open: { channel: FrameChannel; closed(error: Error): void }[] = [];
  dialCount = 0;

  dial(...[target, identity, events]: Parameters<FrameDialer['dial']>): FrameChannel {
    this.dialCount++;
    let live = true;
    const channel = this.inner.dial(target, identity, {
      onCredit: (credit) => live && events.onCredit(credit),
      onClosed: (error) => live && events.onClosed(error),
    });
    this.open.push({
      channel,
      closed: (error) => {
        live = false;
        events.onClosed(error);
      },
    });
    return channel;
  }

  probe(...given: Parameters<FrameDialer['probe']>): Promise<void> {
    return this.inner.probe(...given);
  }

  break(): void {
    for (const { closed } of this.open.splice(0)) closed(new Error('cut'));
  }
}

async function grpcNodes(
  options: {
    keys?: string[];
    fences?: number[];
    limits?: LinkLimits;
    firstAcceptMs?: number;
    host?: string;
    bounds?: FrameBounds;
  } = {},
): Promise<Node[]> {
  const { keys = [], fences = [], limits = LIMITS, firstAcceptMs = 5000, host = '127.0.0.1' } = options;
  const nodes = await Promise.all(
    [0, 1].map(async () => {
      const dialer = new BreakableDialer();
      const plane = new DataPlane({ dialer, limits, clock: systemClock, random: () => 0.5, logger: silentLogger });
      const server = new ExchangeServer(plane, silentLogger);
      const port = await server.listen(host, 0);
      closers.push(() => (server.close(), dialer.inner.close()));
      return { dialer, plane, server, port };
    }),
  );
  const peers = nodes.map(({ port }, rank) => ({ rank, agentId: `agent_${rank}`, address: `${host}:${port}` }));
  const credentials = await makeGangCredentials({ runId: 'run_1', fence: 3, peers }, Date.now());
  return nodes.map(({ plane, ...node }, rank) => {
    const transport = new LinkTransport(() => systemClock.now());
    const dead: Node['dead'] = [];
    const links = plane.open({
      runId: 'run_1',
      fence: fences[rank] ?? 3,
      key: keys[rank] ?? 'secret-secret-secret-secret-secret',
      rank,
      peers,
      bounds: options.bounds ?? ANY_FRAMES,
      credential: credentials[rank],
      firstAcceptMs,
      lostAfterMs: 1000,
      onFrame: (delivered) => transport.onFrame(delivered),
      onPeerDead: (peer, error) => dead.push({ rank: peer, error }),
    });
    transport.attach(links);
    closers.push(() => plane.close(links, 'test over'));
    return { transport, links, plane, dead, ...node };
  });
}

function tensor(microBatch: number, bytes: number, extra: Partial<TensorFrame> = {}): TensorFrame {
  const payload = new Uint8Array(bytes);
  for (let index = 0; index < bytes; index += 97) payload[index] = (index * 31 + microBatch) & 255;
  return {
    edge: 'activation',
    step: 1,
    microBatch,
    fromRank: 0,
    rollbacks: 0,
    chunk: 0,
    direction: 'forward',
    dtype: 'u8',
    shape: [bytes],
    payload,
    ...extra,
  };
}

/** The test's own time limit bounds the wait. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(systemClock, 1);
}

const key = (microBatch: number, extra: Partial<FrameKey> = {}): FrameKey => ({
  chunk: 0,
  edge: 'activation',
  step: 1,
  microBatch,
  fromRank: 0,
  rollbacks: 0,
  ...extra,
});

const implementations: Record<string, () => Promise<StageTransport[]>> = {
  'in memory': () => {
    const network = new InMemoryNetwork<TensorFrame>({ now: () => systemClock.now() });
    return Promise.resolve([0, 1].map((rank) => network.transport(rank)));
  },
  'over gRPC': async () => (await grpcNodes()).map(({ transport }) => transport),
  'over gRPC and TLS': async () => (await grpcNodes({ host: BEYOND_LOOPBACK })).map(({ transport }) => transport),
};

for (const [name, open] of Object.entries(implementations)) {
  describe(`a stage transport ${name}`, () => {
    it('carries every header field and byte, whether the taker or the frame comes first', async () => {
      const [a, b] = (await open()) as [StageTransport, StageTransport];
      const early = b.receive(key(0, { chunk: 2 }));
      const frame = tensor(0, 3000, { dtype: 'f32', shape: [25, 30], chunk: 2, direction: 'backward' });
      const bytes = frame.payload.slice();
      await a.send(1, frame);
      const got = await early;
      expect({ ...got, payload: undefined }).toEqual({ ...frame, payload: undefined });
      expect(Buffer.compare(got.payload, bytes)).toBe(0);
      await a.send(1, tensor(1, 10));
      await until(() => b.lastFrom(0)?.key.microBatch === 1);
      expect((await b.receive(key(1))).payload).toHaveLength(10);
    });

    it('keeps steps, edges and senders apart', async () => {
      const [a, b] = (await open()) as [StageTransport, StageTransport];
      await a.send(1, tensor(0, 8, { step: 2 }));
      await a.send(1, tensor(0, 16, { edge: 'tied' }));
      await a.send(1, tensor(0, 24));
      expect((await b.receive(key(0))).payload).toHaveLength(24);
      expect((await b.receive(key(0, { edge: 'tied' }))).payload).toHaveLength(16);
      expect((await b.receive(key(0, { step: 2 }))).payload).toHaveLength(8);
    });

    it('takes payloads larger than a message and than the window', async () => {
      const [a, b] = (await open()) as [StageTransport, StageTransport];
      const frames = [50_000, 300_000].map((bytes, index) => tensor(index, bytes));
      const sums = frames.map(({ payload }) => crc32(payload));
      const sent = frames.map((frame) => a.send(1, frame));
      for (const [index, sum] of sums.entries()) expect(crc32((await b.receive(key(index))).payload)).toBe(sum);
      await Promise.all(sent);
    });

    it('goes both ways at once and names the last frame of a rank', async () => {
      const [a, b] = (await open()) as [StageTransport, StageTransport];
      expect(b.lastFrom(0)).toBeUndefined();
      for (let index = 0; index < 20; index++) {
        void a.send(1, tensor(index, 1000));
        void b.send(0, tensor(index, 1000, { fromRank: 1, edge: 'gradient' }));
      }
      for (let index = 0; index < 20; index++) {
        await b.receive(key(index));
        await a.receive(key(index, { fromRank: 1, edge: 'gradient' }));
      }
      expect(b.lastFrom(0)?.key).toEqual(key(19));
    });
  });
}

describe('links over gRPC', () => {
  it('hold a sender back when the receiver does not take frames', async () => {
    const [a, b] = (await grpcNodes()) as [Node, Node];
    let written = 0;
    const sends = Array.from({ length: 20 }, (_, index) =>
      a.transport.send(1, tensor(index, 16_000)).then(() => written++),
    );
    await until(() => written >= 4);
    await sleep(systemClock, 100);
    expect(written).toBe(4);
    await b.transport.receive(key(0));
    await until(() => written >= 5);
    await sleep(systemClock, 100);
    expect(written).toBe(5);
    for (let index = 1; index < 20; index++) await b.transport.receive(key(index));
    await Promise.all(sends);
    await a.links.drain();
  });

  it.each(['127.0.0.1', BEYOND_LOOPBACK])(
    'to %s deliver each frame once and in order, whatever breaks',
    async (host) => {
      const [a, b] = (await grpcNodes({ host })) as [Node, Node];
      const count = 60;
      const sends = Array.from({ length: count }, (_, index) => a.transport.send(1, tensor(index, 9000)));
      for (let index = 0; index < count; index++) {
        if (index % 7 === 3) a.dialer.break();
        // The connection breaks too, so that over TLS the next one shakes hands again.
        if (index % 21 === 10) a.dialer.inner.close();
        const { payload } = await b.transport.receive(key(index));
        expect(Buffer.compare(payload, tensor(index, 9000).payload)).toBe(0);
      }
      await Promise.all(sends);
      await a.links.drain();
      expect(a.dialer.dialCount).toBeGreaterThan(5);
      expect(a.dead).toEqual([]);
    },
  );

  it('refuse a frame beyond the plan for good, with the reason', async () => {
    const [a, b] = (await grpcNodes({ bounds: { ...ANY_FRAMES, activation: 1000 } })) as [Node, Node];
    void a.transport.send(1, tensor(0, 1000)).catch(() => undefined);
    await b.transport.receive(key(0));
    void a.transport.send(1, tensor(1, 1001)).catch(() => undefined);
    await a.links.drain();
    expect(a.dead).toMatchObject([{ rank: 1, error: { kind: 'invalid' } }]);
    expect(a.dead[0]?.error.message).toMatch(/"activation" has 1001 bytes, and the plan has none of more than 1000/);
  });

  it('part in peace: a rank that is done closes, the other one has its credits and no failure', async () => {
    const [a, b] = (await grpcNodes()) as [Node, Node];
    await a.transport.send(1, tensor(0, 100));
    await b.transport.receive(key(0));
    b.plane.close(b.links, 'finished');
    await a.links.drain();
    await sleep(systemClock, 300);
    expect(a.dead).toEqual([]);
    expect(a.dialer.dialCount).toBe(1);
  });

  it('refuse another key until the time is over, and name the peer', async () => {
    const [a] = (await grpcNodes({
      keys: ['one key of an attempt, for sure', 'another key of an attempt, hm'],
      firstAcceptMs: 300,
    })) as [Node, Node];
    await expect(a.transport.send(1, tensor(0, 10))).rejects.toMatchObject({
      code: 'DATA_PLANE.PEER_LOST',
      details: { rank: 1 },
    });
    expect(a.dead.map(({ rank }) => rank)).toEqual([1]);
  });

  it('refuse an old fence for good', async () => {
    const [a, b] = (await grpcNodes()) as [Node, Node];
    b.plane.open({ ...b.links.options, fence: 4, key: 'the key of the next attempt' });
    await expect(a.transport.send(1, tensor(0, 10))).rejects.toMatchObject({ kind: 'aborted' });
    expect(a.dead[0]?.error.kind).toBe('aborted');
  });

  it('wait for an attempt that starts later on the other side', async () => {
    const [a, b] = (await grpcNodes({ fences: [5, 3] })) as [Node, Node];
    const sent = a.transport.send(1, tensor(0, 10));
    await sleep(systemClock, 150);
    const transport = new LinkTransport(() => 0);
    const { peers, key: dataKey } = b.links.options;
    const links = b.plane.open({
      runId: 'run_1',
      fence: 5,
      key: dataKey,
      rank: 1,
      peers,
      bounds: ANY_FRAMES,
      firstAcceptMs: 1000,
      lostAfterMs: 1000,
      onFrame: (delivered) => transport.onFrame(delivered),
      onPeerDead: () => undefined,
    });
    transport.attach(links);
    await sent;
    expect((await transport.receive(key(0))).payload).toHaveLength(10);
    b.plane.close(links, 'over');
  });

  it('refuse strangers, unknown ranks and frames of another run', async () => {
    const [a, b] = (await grpcNodes()) as [Node, Node];
    const identity: StreamIdentity = { runId: 'run_1', fence: 3, key: b.links.options.key, fromRank: 0 };
    const refused = (change: Partial<StreamIdentity>): unknown =>
      (b.plane.accept({ ...identity, ...change }) as AppError).code;
    expect(refused({ runId: 'run_2' })).toBe('DATA_PLANE.STREAM_REFUSED');
    expect(refused({ fromRank: 7 })).toBe('DATA_PLANE.STREAM_REFUSED');
    expect(refused({ fromRank: NaN })).toBe('DATA_PLANE.STREAM_REFUSED');
    expect(refused({ key: '' })).toBe('DATA_PLANE.STREAM_REFUSED');
    expect(refused({ fence: 2 })).toBe('DATA_PLANE.STREAM_REFUSED');
    b.plane.open({ ...b.links.options, fence: 4, key: 'the key of the next attempt' });
    expect(refused({})).toBe('DATA_PLANE.FENCE_OLD');
    // Nobody without the attempt's key is told that it is over.
    expect(refused({ key: 'guessed' })).toBe('DATA_PLANE.STREAM_REFUSED');
    a.plane.close(a.links, 'over');
    await expect(a.transport.send(1, tensor(0, 1))).rejects.toMatchObject({ code: 'DATA_PLANE.ATTEMPT_OVER' });
  });
});
