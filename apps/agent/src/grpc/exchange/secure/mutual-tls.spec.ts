import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { GENERATION_FENCE, type Logger, silentLogger, systemClock } from '@millrace/core';
import { makeGangCredentials } from '@millrace/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ANY_FRAMES } from '../../../../test/any-frames';
import { DataPlane } from '../../../data-plane/data-plane';
import type { TensorFrame } from '../../../data-plane/frame';
import { DEFAULT_LINK_LIMITS } from '../../../data-plane/link/frame-channel';
import { type LinkCredential, serverNameOf } from '../../../data-plane/link/link-credential';
import { ExchangeDialer } from '../exchange-dialer';
import { ExchangeServer } from '../exchange-server';

const ATTEMPT = { runId: 'run_1', fence: 3 };
const KEY = 'a key of an attempt, for sure';
const IDENTITY = { ...ATTEMPT, key: KEY, fromRank: 0 };
const YEARS_MS = 365 * 86_400_000;

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** Credentials of ranks that are not all on one machine. */
function credentials(attempt = ATTEMPT, nowMs = Date.now()): Promise<readonly LinkCredential[]> {
  const peers = [0, 1, 2].map((rank) => ({ rank, agentId: `agent_${rank}`, address: `192.0.2.${rank}:1` }));
  return makeGangCredentials({ ...attempt, peers }, nowMs);
}

interface Node {
  readonly plane: DataPlane;
  readonly dialer: ExchangeDialer;
  readonly warnings: string[];
  readonly port: number;
}

/** Connections to this address arrive on loopback, but the address does not show that. */
const anywhere = (port: number): string => `0.0.0.0:${port}`;

async function node(host = '0.0.0.0'): Promise<Node> {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
  const dialer = new ExchangeDialer();
  const plane = new DataPlane({ dialer, limits: DEFAULT_LINK_LIMITS, clock: systemClock, random: () => 0.5, logger });
  const server = new ExchangeServer(plane, logger);
  const port = await server.listen(host, 0);
  closers.push(() => (server.close(), dialer.close()));
  return { plane, dialer, warnings, port };
}

function open(
  { plane }: Node,
  rank: number,
  credential: LinkCredential | undefined,
  attempt: { runId: string; fence: number; key?: string } = ATTEMPT,
): void {
  const peers = [0, 1, 2].map((each) => ({ rank: each, address: 'elsewhere:1' }));
  const events = { onFrame: () => undefined, onPeerDead: () => undefined };
  const times = { firstAcceptMs: 1000, lostAfterMs: 1000 };
  plane.open({ key: KEY, ...attempt, ...events, ...times, credential, rank, peers, bounds: ANY_FRAMES });
}

/** A way to a port whose connections can be broken. */
async function breakableWay(port: number): Promise<{ readonly port: number; breakAll(): number }> {
  const sockets = new Set<Socket>();
  const way = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => (sockets.delete(socket), other.destroy()));
      socket.pipe(other);
    }
  });
  way.listen(0, '127.0.0.1');
  await once(way, 'listening');
  const breakAll = (): number => {
    const count = sockets.size / 2;
    for (const socket of sockets) socket.destroy();
    return count;
  };
  closers.push(() => (breakAll(), way.close()));
  return { port: (way.address() as AddressInfo).port, breakAll };
}

describe('a data port beyond loopback', () => {
  let ours: readonly LinkCredential[];
  let receiver: Node;
  beforeEach(async () => {
    ours = await credentials();
    receiver = await node();
    open(receiver, 1, ours[1]);
  });
  const probe = (
    { credential = ours[0], rank = 1 }: { credential?: LinkCredential | undefined; rank?: number },
    identity = IDENTITY,
  ): Promise<void> => {
    const dialer = new ExchangeDialer();
    closers.push(() => dialer.close());
    return dialer.probe({ rank, address: anywhere(receiver.port), credential }, identity, 100_000);
  };
  /** What the port answers to a stranger's bytes before it closes. */
  const answerTo = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let heard = '';
      const socket = connect(receiver.port, '127.0.0.1', () => socket.write(text));
      socket.setEncoding('latin1');
      socket.on('data', (data: string) => (heard += data));
      socket.on('error', () => undefined).on('close', () => resolve(heard));
    });

  it('takes a rank of the attempt with its certificate, also of an attempt beside it', async () => {
    await probe({});
    const other = { runId: 'gen_1', fence: GENERATION_FENCE };
    const theirs = await credentials(other);
    open(receiver, 1, theirs[1], { ...other, key: 'its own key' });
    await probe({ credential: theirs[0] }, { ...IDENTITY, ...other, key: 'its own key' });
    await probe({});
    // The caller has the certificate of the other attempt.
    await expect(probe({ credential: theirs[0] })).rejects.toThrow();
  });

  it('refuses a rank that says it is another one', async () => {
    await expect(probe({ credential: ours[2] })).rejects.toThrow(/certificate is another rank's/);
    expect(receiver.warnings.join()).toContain('rank 0 of fence 3 of run_1');
  });

  it('is refused by a caller that meant another rank, and that learns who answered', async () => {
    const accept = vi.spyOn(receiver.plane, 'accept');
    await expect(probe({ rank: 2 })).rejects.toThrow(/should be urn:millrace:run_1:3:2, but .* urn:millrace:run_1:3:1/);
    // Not even the headers, which contain the attempt's key, have been sent.
    await probe({});
    expect(accept).toHaveBeenCalledTimes(1);
  });

  it.each(['of another attempt', 'of another authority for the same attempt'])(
    'refuses a certificate %s',
    async (what) => {
      const [other] = await credentials(what === 'of another attempt' ? { ...ATTEMPT, fence: 2 } : ATTEMPT);
      const stranger = { ...other!, authority: ours[0]!.authority };
      await expect(probe({ credential: stranger })).rejects.toThrow();
      expect(receiver.warnings.join()).toContain('showed no certificate of an attempt');
      // A caller does not accept a server that has another authority either.
      await expect(probe({ credential: other })).rejects.toThrow();
    },
  );

  it('refuses and is refused when the authority has ended, and before it began', async () => {
    for (const nowMs of [Date.now() - 11 * YEARS_MS, Date.now() + YEARS_MS]) {
      const late = await credentials(ATTEMPT, nowMs);
      receiver = await node();
      open(receiver, 1, late[1]);
      await expect(probe({ credential: late[0] })).rejects.toThrow(/expired|not yet valid/);
    }
  });

  it('closes on who shows no certificate, names no attempt or speaks in plain text', async () => {
    const handshake = (options: object): Promise<string> =>
      new Promise((resolve) => {
        const socket = connectTls({ port: receiver.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
        let error = 'closed';
        socket.on('error', ({ message }) => (error = message)).on('close', () => resolve(error));
        socket.resume();
      });
    const named = { servername: serverNameOf(KEY), ALPNProtocols: ['h2'] };
    expect(await handshake(named)).toMatch(/certificate required/i);
    await handshake({ ...named, servername: 'guessed.millrace.internal' });
    await handshake({ ALPNProtocols: ['h2'] });
    await handshake({ ...named, ALPNProtocols: ['http/1.1'] });
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
    // The stranger gets no settings, with which a peer is greeted, but at most an alert of TLS.
    for (const text of [preface, 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(100_000)])
      expect((await answerTo(text)).length).toBeLessThan(10);
    expect(receiver.warnings.length).toBeGreaterThanOrEqual(7);
    await probe({});
  });

  it('is told apart from one in plain text by a caller, in neither of which it believes', async () => {
    const plain = await node('127.0.0.1');
    open(plain, 1, ours[1]);
    const dialer = new ExchangeDialer();
    closers.push(() => dialer.close());
    const secure = { rank: 1, address: anywhere(plain.port), credential: ours[0] };
    await expect(dialer.probe(secure, IDENTITY, 10)).rejects.toThrow();
    await expect(dialer.probe({ rank: 1, address: `127.0.0.1:${receiver.port}` }, IDENTITY, 10)).rejects.toThrow();
  });

  it('tells the peer of an attempt that was superseded that it is over', async () => {
    const next = { ...ATTEMPT, fence: 4 };
    const theirs = await credentials(next);
    open(receiver, 1, theirs[1], { ...next, key: 'the next key' });
    await expect(probe({})).rejects.toMatchObject({ kind: 'aborted' });
  });

  it('goes on after its connection broke in mid-run, with every frame once', async () => {
    const way = await breakableWay(receiver.port);
    const caller = await node();
    const patience = { firstAcceptMs: 60_000, lostAfterMs: 60_000 };
    const between = { ...ATTEMPT, ...patience, key: KEY, bounds: ANY_FRAMES, onPeerDead: (): void => undefined };
    const arrived: number[] = [];
    const theirs = receiver.plane.open({
      ...between,
      credential: ours[1],
      rank: 1,
      peers: [{ rank: 0, address: 'elsewhere:1' }],
      onFrame: ({ frame, creditBytes }) => {
        const values = new Float32Array(frame.payload.buffer, frame.payload.byteOffset, frame.payload.length / 4);
        expect(values.every((value) => value === frame.step)).toBe(true);
        arrived.push(frame.step);
        theirs.taken(0, creditBytes);
      },
    });
    const links = caller.plane.open({
      ...between,
      credential: ours[0],
      rank: 0,
      peers: [{ rank: 1, address: anywhere(way.port) }],
      onFrame: () => undefined,
    });
    const steps = Array.from({ length: 24 }, (_, step) => step);
    let brokenCount = 0;
    for (const step of steps) {
      const payload = new Uint8Array(new Float32Array(100_000).fill(step).buffer);
      const frame: TensorFrame = {
        ...{ edge: 'activation', step, microBatch: 0, chunk: 0, fromRank: 0, rollbacks: 0 },
        ...{ direction: 'forward', dtype: 'f32', shape: [100_000], payload },
      };
      await links.send(1, frame);
      if (step % 8 === 4) brokenCount += way.breakAll();
    }
    await links.drain();
    expect(brokenCount).toBe(3);
    expect(arrived).toEqual(steps);
  });

  it('keeps peers in while strangers flood it', async () => {
    const strangers = Array.from({ length: 600 }, () => {
      const socket = connect(receiver.port, '127.0.0.1');
      closers.push(() => socket.destroy());
      return new Promise((resolve) => socket.once('connect', resolve).on('error', resolve).resume());
    });
    await Promise.all(strangers);
    await probe({});
  });
});
