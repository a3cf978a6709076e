import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { crc32 } from 'node:zlib';
import {
  Client,
  type ClientDuplexStream,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  credentials,
  status,
} from '@grpc/grpc-js';
import { type Clock, hostPort, type Logger, silentLogger, systemClock } from '@millrace/core';
import { FakeClock } from '@millrace/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { DataPlane } from '../../data-plane/data-plane';
import { streamRefused } from '../../data-plane/data-plane.errors';
import type { TensorFrame, FrameKey } from '../../data-plane/frame';
import type { FrameChannelEvents, StreamIdentity } from '../../data-plane/link/frame-channel';
import { ANY_FRAMES } from '../../../test/any-frames';
import { LinkTransport } from '../../../test/link-transport';
import { encodeHead } from '../../data-plane/wire/frame-codec';
import { ExchangeDialer } from './exchange-dialer';
import { EXCHANGE_PATH, decodeCredit, encodeCredit } from './exchange-protocol';
import { ExchangeServer, listeningHost } from './exchange-server';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const IDENTITY: StreamIdentity = { runId: 'run_1', fence: 2, key: 'a key of an attempt, for sure', fromRank: 0 };
const METADATA = {
  'millrace-run': IDENTITY.runId,
  'millrace-fence': String(IDENTITY.fence),
  'millrace-key': IDENTITY.key,
  'millrace-from': String(IDENTITY.fromRank),
};
const raw = (message: Buffer): Buffer => message;
const PREFIX_BYTES = 5;

interface Receiver {
  readonly port: number;
  readonly transport: LinkTransport;
  readonly warnings: string[];
}

/** Rank 1 of an attempt. */
async function receiver(clock: Clock = systemClock): Promise<Receiver> {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
  const limits = { windowBytes: 8 * 2 ** 20, partBytes: 4 * 2 ** 20 };
  const dialer = new ExchangeDialer();
  const plane = new DataPlane({ dialer, limits, clock, random: () => 0.5, logger });
  const transport = new LinkTransport(() => 0);
  const { runId, fence, key } = IDENTITY;
  const links = plane.open({
    runId,
    fence,
    key,
    rank: 1,
    peers: [{ rank: 0, address: 'nobody' }],
    bounds: ANY_FRAMES,
    firstAcceptMs: 1000,
    lostAfterMs: 1000,
    onFrame: (delivered) => transport.onFrame(delivered),
    onPeerDead: () => undefined,
  });
  transport.attach(links);
  const server = new ExchangeServer(plane, logger, clock);
  const port = await server.listen('127.0.0.1', 0);
  closers.push(() => (plane.close(links, 'test over'), server.close(), dialer.close()));
  return { port, transport, warnings };
}

function frame(microBatch: number, bytes: number): TensorFrame {
  const payload = new Uint8Array(bytes).map((_, index) => (index * 7 + microBatch) & 255);
  const header = { edge: 'activation', step: 1, chunk: 0, direction: 'forward', dtype: 'u8', fromRank: 0 } as const;
  return { ...header, rollbacks: 0, microBatch, shape: [bytes], payload };
}

/** A gRPC message without its prefix. */
function frameMessage(sequence: number, microBatch: number, bytes: number): Buffer {
  const { payload: part, ...rest } = frame(microBatch, bytes);
  const head = encodeHead(
    { runId: IDENTITY.runId, fence: IDENTITY.fence, sequence, frame: rest, part },
    { isProtected: false },
  );
  return Buffer.concat([head.subarray(PREFIX_BYTES), part]);
}

const keyOf = (microBatch: number): FrameKey => {
  return { edge: 'activation', step: 1, microBatch, chunk: 0, fromRank: 0, rollbacks: 0 };
};

function grpcClient(port: number): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  });
  closers.push(() => client.close());
  return client;
}

function call(client: Client, fields: Record<string, string> = METADATA): ClientDuplexStream<Buffer, Buffer> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  return client.makeBidiStreamRequest(EXCHANGE_PATH, raw, raw, metadata);
}

/** Code and text of a call's status. */
function outcome(stream: ClientDuplexStream<Buffer, Buffer>): Promise<{ code: number; details: string }> {
  stream.on('error', () => undefined);
  stream.on('data', () => undefined);
  return new Promise((resolve) => stream.once('status', ({ code, details }) => resolve({ code, details })));
}

describe('a client of grpc-js at our server', () => {
  it('sends messages of any size, gets credits, and a status at the end', async () => {
    const { port, transport } = await receiver();
    const stream = call(grpcClient(port));
    const credits: number[] = [];
    stream.on('data', (message: Buffer) => credits.push(decodeCredit(message).sequence));
    const done = outcome(stream);
    const sizes = [0, 1, 1000, 70_000, 1_000_000, 4 * 2 ** 20];
    sizes.forEach((bytes, index) => stream.write(frameMessage(index + 1, index, bytes)));
    for (const [index, bytes] of sizes.entries()) {
      const got = await transport.receive(keyOf(index));
      expect([got.payload.length, crc32(got.payload)]).toEqual([bytes, crc32(frame(index, bytes).payload)]);
    }
    stream.end();
    expect((await done).code).toBe(status.OK);
    expect(credits[0]).toBe(0);
  });

  it('is refused with the code and text of the reason', async () => {
    const { port } = await receiver();
    const client = grpcClient(port);
    expect(await outcome(call(client, { ...METADATA, 'millrace-key': 'no' }))).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: expect.stringContaining('takes this stream') as string,
    });
    expect((await outcome(call(client, { ...METADATA, 'millrace-fence': '1' }))).code).toBe(status.PERMISSION_DENIED);
    const other = client.makeBidiStreamRequest('/other.Service/Method', raw, raw, new Metadata());
    expect((await outcome(other)).code).toBe(status.NOT_FOUND);
  });

  it('is refused a frame that is corrupt, in the middle of others, and may call again', async () => {
    const { port, transport, warnings } = await receiver();
    const client = grpcClient(port);
    const stream = call(client);
    const done = outcome(stream);
    const corrupt = frameMessage(1, 0, 100_000);
    corrupt[5000]! ^= 1;
    stream.write(corrupt);
    for (let sequence = 2; sequence < 20; sequence++) stream.write(frameMessage(sequence, sequence, 100_000));
    expect((await done).code).toBe(status.UNAVAILABLE);
    expect(warnings).toEqual([expect.stringMatching(/^a frame of rank 0 of fence \d+ of \S+ was refused: /)]);
    call(client)
      .on('error', () => undefined)
      .write(frameMessage(1, 0, 500));
    expect((await transport.receive(keyOf(0))).payload).toHaveLength(500);
  });
});

it('logs at a bounded rate what it refuses, also of a rank that sends nothing else', async () => {
  const { port, warnings } = await receiver();
  const client = grpcClient(port);
  const corrupt = frameMessage(1, 0, 1000);
  corrupt[500]! ^= 1;
  for (let count = 0; count < 40; count++) {
    const stream = call(client);
    const done = outcome(stream);
    stream.write(corrupt);
    expect((await done).code).toBe(status.UNAVAILABLE);
  }
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.length).toBeLessThan(40);
});

describe('a client of node:http2 at our server', () => {
  it('is understood with several calls before our settings reach it, Huffman codes and tables', async () => {
    const { port } = await receiver();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    closers.push(() => session.destroy());
    const text = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 33 + index));
    const statuses = [0, 1, 2].map(
      (index) =>
        new Promise((resolve) => {
          const request = session.request({ ':method': 'POST', ':path': `/${index}`, 'x-all': text, 'x-more': text });
          request.on('response', (headers) => resolve(decodeURIComponent(String(headers['grpc-message']))));
          request.on('error', () => undefined);
        }),
    );
    for (const [index, message] of (await Promise.all(statuses)).entries())
      expect(message).toContain(`no method /${index}:`);
    await new Promise((resolve) => session.ping(resolve));
    const stream = session.request({ ':method': 'POST', ':path': EXCHANGE_PATH, ...METADATA });
    const [headers] = await new Promise<[Record<string, unknown>]>((resolve) =>
      stream.once('response', (...all) => resolve([all[0]])),
    );
    expect(headers[constants.HTTP2_HEADER_CONTENT_TYPE]).toBe('application/grpc');
  });
});

describe('our dialer at a server of grpc-js', () => {
  async function peer(handle: (stream: ServerDuplexStream<Buffer, Buffer>) => void): Promise<string> {
    const server = new Server({ 'grpc.max_receive_message_length': -1 });
    const method = {
      path: EXCHANGE_PATH,
      requestStream: true,
      responseStream: true,
      requestSerialize: raw,
      requestDeserialize: raw,
      responseSerialize: raw,
      responseDeserialize: raw,
    };
    server.addService({ exchange: method }, { exchange: handle });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    closers.push(() => server.forceShutdown());
    return `127.0.0.1:${port}`;
  }

  function dialer(): ExchangeDialer {
    const made = new ExchangeDialer();
    closers.push(() => made.close());
    return made;
  }

  /** Resolves with what closed the call. */
  function events(onCredit: FrameChannelEvents['onCredit'] = () => undefined): {
    events: FrameChannelEvents;
    closed: Promise<Error | undefined>;
  } {
    let onClosed: (error?: Error) => void = () => undefined;
    const closed = new Promise<Error | undefined>((resolve) => (onClosed = resolve));
    return { events: { onCredit, onClosed }, closed };
  }

  it('sends its identity and messages within the windows of the peer, and reads credits', async () => {
    const got: Buffer[] = [];
    let identity: unknown;
    const address = await peer((stream) => {
      identity = stream.metadata.getMap()['millrace-run'];
      stream.write(encodeCredit({ bytes: 7, sequence: 3 }).subarray(PREFIX_BYTES));
      stream.on('data', (message: Buffer) => got.push(message));
      stream.on('end', () => stream.end());
    });
    const credits: unknown[] = [];
    const { events: calls, closed } = events((credit) => credits.push(credit));
    const channel = dialer().dial({ rank: 1, address }, IDENTITY, calls);
    const sizes = [10, 100_000, 3_000_000];
    for (const bytes of sizes) {
      const message = Buffer.alloc(bytes, bytes & 255);
      const prefix = Buffer.alloc(PREFIX_BYTES);
      prefix.writeUInt32BE(bytes, 1);
      await new Promise<void>((resolve) => channel.write([prefix, message], resolve));
    }
    channel.end();
    expect(await closed).toBeUndefined();
    expect(identity).toBe('run_1');
    expect(got.map((message) => [message.length, message.every((byte) => byte === (message.length & 255))])).toEqual(
      sizes.map((bytes) => [bytes, true]),
    );
    expect(credits).toEqual([{ bytes: 7, sequence: 3 }]);
  });

  it.each([
    [status.PERMISSION_DENIED, 'forbidden'],
    [status.ABORTED, 'aborted'],
    [status.UNAVAILABLE, 'unavailable'],
  ])('tells a refusal with status %d as %s', async (code, kind) => {
    const address = await peer((stream) => stream.emit('error', { code, details: 'not today: ä' }));
    const { events: calls, closed } = events();
    dialer().dial({ rank: 1, address }, IDENTITY, calls);
    expect(await closed).toMatchObject({ kind, message: expect.stringContaining('not today: ä') as string });
  });

  it('tells that nobody is there, and that a peer went away', async () => {
    const nobody = events();
    dialer().dial({ rank: 1, address: '127.0.0.1:1' }, IDENTITY, nobody.events);
    expect(await nobody.closed).toMatchObject({ kind: 'unavailable' });
    const address = await peer((stream) => {
      // Its connection ends with it.
      stream.on('data', () => closers.pop()?.());
    });
    const gone = events();
    const channel = dialer().dial({ rank: 1, address }, IDENTITY, gone.events);
    closers.push(closers.splice(-2, 1)[0]!);
    channel.write([Buffer.from([0, 0, 0, 0, 1, 1])], () => undefined);
    expect(await gone.closed).toMatchObject({ kind: 'unavailable' });
  });
});

describe('noise at our server', () => {
  it('ends its connection and harms no other', async () => {
    const { port, transport, warnings } = await receiver();
    let seed = 1;
    // Numerical Recipes' linear congruential generator: the same noise each time.
    const next = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 24;
    const hello = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 60; round++) {
      const noise = Buffer.alloc(20_000).map(() => next());
      // Known types and lengths that fit let the noise get further.
      for (let at = 0; at < noise.length - 9; at += 40)
        noise.set([0, 0, 31, next() % 10, next(), 0, 0, 0, next() % 8], at);
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(round % 3 === 0 ? noise : Buffer.concat([hello, noise]));
      await new Promise((resolve) => socket.once('close', resolve));
    }
    // Whatever the noise is, the log grows at a bounded rate.
    expect(warnings).toHaveLength(20);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    call(grpcClient(port))
      .on('error', () => undefined)
      .write(frameMessage(1, 0, 10));
    expect((await transport.receive(keyOf(0))).payload).toHaveLength(10);
  });

  it('is refused a message larger than any of ours, before it has memory', async () => {
    const { port, warnings } = await receiver();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    closers.push(() => session.destroy());
    const stream = session.request({ ':method': 'POST', ':path': EXCHANGE_PATH, ...METADATA });
    const trailers = new Promise<Record<string, unknown>>((resolve) => stream.once('trailers', resolve));
    stream.on('error', () => undefined).resume();
    stream.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]));
    expect((await trailers)['grpc-status']).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(warnings).toHaveLength(1);
    // The answer to a ping comes after whatever the port has sent before it.
    await new Promise((resolve) => session.ping(resolve));
    expect(session.closed).toBe(false);
  });
});

it('ends the connection of a peer whose last call is over, and no earlier', async () => {
  const clock = new FakeClock();
  const { port } = await receiver(clock);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  closers.push(() => session.destroy());
  const closed = new Promise((resolve) => session.once('close', () => resolve('closed')));
  const opened = (): Promise<unknown> => new Promise((resolve) => session.ping(resolve));
  const stream = session.request({ ':method': 'POST', ':path': EXCHANGE_PATH, ...METADATA });
  await new Promise((resolve) => stream.once('response', resolve));
  // No timer of the port is left.
  while (clock.fireNext());
  await opened();
  expect(session.closed).toBe(false);
  stream.on('error', () => undefined).close(constants.NGHTTP2_CANCEL);
  await opened();
  while (clock.fireNext());
  expect(await closed).toBe('closed');
});

describe('a flood of strangers', () => {
  it('keeps no peer out, and goes by itself', async () => {
    const { port, transport } = await receiver();
    const hello = Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    ]);
    const strangers = Array.from({ length: 1300 }, () => {
      const socket = connect(port, '127.0.0.1', () => socket.write(hello));
      closers.push(() => socket.destroy());
      return new Promise((resolve) => socket.once('connect', resolve).on('error', resolve).resume());
    });
    await Promise.all(strangers);
    const dialer = new ExchangeDialer();
    closers.push(() => dialer.close());
    await dialer.probe({ rank: 1, address: `127.0.0.1:${port}` }, IDENTITY, 10);
    const stream = call(grpcClient(port));
    const message = frameMessage(1, 0, 100);
    stream.on('error', () => undefined);
    stream.write(message);
    expect((await transport.receive(keyOf(0))).payload).toHaveLength(100);
  });
});

it.runIf(Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1')))(
  'an agent is reached over IPv6',
  async () => {
    const dataPlane = { accept: () => streamRefused('run_1') } as unknown as DataPlane;
    const server = new ExchangeServer(dataPlane, silentLogger);
    const dialer = new ExchangeDialer();
    closers.push(() => (server.close(), dialer.close()));
    const port = await server.listen(listeningHost('::1'), 0);
    await expect(dialer.probe({ rank: 1, address: hostPort('::1', port) }, IDENTITY, 1)).rejects.toMatchObject({
      kind: 'forbidden',
    });
  },
);
