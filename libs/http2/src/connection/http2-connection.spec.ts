import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { type AppError, type Clock, sleep, systemClock } from '@millrace/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FLAG, FRAME_TYPE, type FrameHeader, HTTP2_ERROR, PREFACE, type SETTING } from '../frames/frame-format';
import { FrameReader } from '../frames/frame-reader';
import {
  frameHeader,
  goawayFrame,
  headerFrames,
  pingFrame,
  resetFrame,
  settingsFrame,
  windowUpdateFrame,
} from '../frames/frame-writer';
import { encodeHeaders } from '../hpack/hpack-encoder';
import type { HeaderFields } from '../http2-headers';
import { CONCURRENT_STREAMS_MAX } from '../http2-limits';
import { Http2Connection } from './http2-connection';
import type { Http2Stream, StreamEvents } from './http2-stream';
import { Keepalive } from './keepalive';
import { SocketReader, readThrough } from './socket-reader';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const REQUEST: HeaderFields = new Map([[':path', '/x']]);
/** For what comes over a socket, however busy the machine. */
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 5 });

/** What happened to a stream. */
class Diary implements StreamEvents {
  readonly headers: [string, string][][] = [];
  bytes = 0;
  ended = false;
  closed: (Error | undefined)[] = [];

  onHeaders(headers: HeaderFields): void {
    this.headers.push([...headers]);
  }

  onData(chunk: Buffer): void {
    this.bytes += chunk.length;
  }

  dataRoom(): undefined {
    return undefined;
  }

  onDataPlaced(): void {
    // Nothing is.
  }

  onEnd(): void {
    this.ended = true;
  }

  onClosed(error?: Error): void {
    this.closed.push(error);
  }
}

/** A peer that says exactly what a test wants it to say. */
class RawPeer {
  readonly frames: { header: FrameHeader; payload: Buffer }[] = [];
  closed = false;
  private data = Buffer.alloc(0);

  constructor(
    readonly socket: Socket,
    readonly role: 'client' | 'server',
  ) {
    const reader = new FrameReader(
      {
        onFrame: (header, payload) => this.frames.push({ header, payload: Buffer.from(payload) }),
        onDataStart: () => (this.data = Buffer.alloc(0)),
        onData: (chunk) => (this.data = Buffer.concat([this.data, chunk])),
        dataRoom: () => undefined,
        onDataPlaced: () => undefined,
        onDataEnd: (header) => this.frames.push({ header, payload: this.data }),
      },
      { expectPreface: role === 'server' },
    );
    socket.on('data', (chunk) => reader.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
    closers.push(() => socket.destroy());
  }

  hello(settings: Partial<Record<keyof typeof SETTING, number>> = {}): void {
    if (this.role === 'client') this.socket.write(PREFACE);
    this.socket.write(settingsFrame(settings));
  }

  say(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  of(type: number): { header: FrameHeader; payload: Buffer }[] {
    return this.frames.filter(({ header }) => header.type === type);
  }

  /** Resolves when the other end has read all that was said so far: it answers in order. */
  async heard(): Promise<void> {
    const count = this.pongCount;
    this.say(pingFrame(Buffer.from('heard it'), false));
    await eventually(() => expect(this.pongCount).toBe(count + 1));
  }

  /** Answers to `heard`. */
  private get pongCount(): number {
    return this.of(FRAME_TYPE.ping).filter(({ payload }) => payload.toString() === 'heard it').length;
  }

  get goawayCode(): number | undefined {
    return this.of(FRAME_TYPE.goaway)[0]?.payload.readUInt32BE(4);
  }
}

function headers(streamId: number, endStream = false, fields = REQUEST): Buffer {
  return headerFrames(streamId, encodeHeaders(fields), { endStream, max: 16_384 });
}

function data(streamId: number, bytes: number, flags = 0): Buffer {
  return Buffer.concat([frameHeader({ bytes, type: FRAME_TYPE.data, flags, streamId }), Buffer.alloc(bytes)]);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Served {
  readonly peer: RawPeer;
  readonly streams: { stream: Http2Stream; diary: Diary }[];
  readonly ends: AppError[];
}

/** A raw client at our server. */
async function served(): Promise<Served> {
  const streams: Served['streams'] = [];
  const ends: AppError[] = [];
  const server = createServer((accepted) => {
    const reader = new SocketReader();
    reader.connection = new Http2Connection(readThrough(accepted, reader), 'server', {
      onStream: (stream) => {
        const diary = new Diary();
        stream.listen(diary);
        streams.push({ stream, diary });
      },
      onReady: () => undefined,
      onGoaway: () => undefined,
      onClosed: (error) => ends.push(error),
    });
  });
  const peer = new RawPeer(connect(await listen(server), '127.0.0.1'), 'client');
  return { peer, streams, ends };
}

interface Dialed {
  readonly peer: RawPeer;
  readonly connection: Http2Connection;
  readonly ends: AppError[];
  readonly keepalive: Keepalive;
}

/** Our client at a raw server. */
async function dialed(clock: Clock = systemClock): Promise<Dialed> {
  const server = createServer();
  const port = await listen(server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const reader = new SocketReader();
  const ends: AppError[] = [];
  const connection = new Http2Connection(connect({ port, host: '127.0.0.1', onread: reader }), 'client', {
    onStream: () => undefined,
    onReady: () => keepalive.ready(),
    onGoaway: () => undefined,
    onClosed: (error) => (keepalive.stop(), ends.push(error)),
  });
  reader.connection = connection;
  const keepalive = new Keepalive(connection, clock);
  closers.push(
    () => connection.socket.destroy(),
    () => keepalive.stop(),
  );
  return { peer: new RawPeer((await accepted)[0], 'server'), connection, ends, keepalive };
}

describe('flow control', () => {
  it('sends what the windows of stream and connection allow, in order, and tells when it left', async () => {
    const { peer, connection } = await dialed();
    peer.hello({ initialWindowSize: 10 });
    await peer.heard();
    const written: number[] = [];
    const stream = connection.request(REQUEST, new Diary());
    stream.write([Buffer.from('abcdef'), Buffer.from('ghijkl')], () => written.push(1));
    stream.write([Buffer.from('mno')], () => written.push(2));
    stream.end();
    const text = (): string => Buffer.concat(peer.of(FRAME_TYPE.data).map(({ payload }) => payload)).toString();
    await eventually(() => expect(text()).toBe('abcdefghij'));
    expect(written).toEqual([]);
    peer.say(windowUpdateFrame(1, 4));
    await eventually(() => expect(text()).toBe('abcdefghijklmn'));
    expect(written).toEqual([1]);
    // Smaller windows leave it in debt, larger ones let it go on.
    peer.say(settingsFrame({ initialWindowSize: 0 }), settingsFrame({ initialWindowSize: 11 }));
    await eventually(() => expect(text()).toBe('abcdefghijklmno'));
    expect(written).toEqual([1, 2]);
    expect(peer.of(FRAME_TYPE.data).at(-1)?.header).toMatchObject({ bytes: 0, flags: FLAG.endStream });
  });

  it('shares the connection between streams: a blocked one holds up no other', async () => {
    const { peer, connection } = await dialed();
    peer.hello({ initialWindowSize: 100_000 });
    await peer.heard();
    const streams = [0, 1, 2].map(() => connection.request(REQUEST, new Diary()));
    for (const stream of streams) stream.write([Buffer.alloc(50_000)]);
    const sent = (): number => peer.of(FRAME_TYPE.data).reduce((sum, { header }) => sum + header.bytes, 0);
    await eventually(() => expect(sent()).toBe(65_535));
    expect(Math.max(...peer.of(FRAME_TYPE.data).map(({ header }) => header.bytes))).toBe(16_384);
    peer.say(windowUpdateFrame(0, 1_000_000));
    await eventually(() => expect(sent()).toBe(150_000));
  });

  it('widens the peer’s windows in large steps, and ends a peer that ignores them', async () => {
    const { peer, streams, ends } = await served();
    peer.hello();
    peer.say(headers(1));
    for (let count = 0; count < 17; count++) peer.say(data(1, 2 ** 20));
    await eventually(() => expect(streams[0]?.diary.bytes).toBe(17 * 2 ** 20));
    const updates = (): number[][] =>
      peer.of(FRAME_TYPE.windowUpdate).map(({ header, payload }) => [header.streamId, payload.readUInt32BE()]);
    await eventually(() =>
      expect(updates().slice(1)).toEqual([
        [0, 2 ** 24],
        [1, 2 ** 24],
      ]),
    );
    peer.say(windowUpdateFrame(1, 2 ** 31 - 1));
    await eventually(() => expect(peer.goawayCode).toBe(HTTP2_ERROR.flowControlError));
    expect(ends).toHaveLength(1);
  });
});

describe('a connection', () => {
  it('answers PING and SETTINGS, passes over PRIORITY and unknown frames', async () => {
    const { peer, ends } = await served();
    peer.hello();
    const priority = Buffer.concat([
      frameHeader({ bytes: 5, type: FRAME_TYPE.priority, flags: 0, streamId: 3 }),
      Buffer.alloc(5),
    ]);
    peer.say(priority, data(0, 0).fill(0x55, 3, 4), pingFrame(Buffer.from('opaque!!'), false));
    await peer.heard();
    const [pong] = peer.of(FRAME_TYPE.ping);
    expect([pong?.header.flags, pong?.payload.toString()]).toEqual([FLAG.ack, 'opaque!!']);
    expect(peer.of(FRAME_TYPE.settings).some(({ header }) => header.flags === FLAG.ack)).toBe(true);
    expect(ends).toEqual([]);
  });

  it('opens no more streams than it said, and takes headers in pieces', async () => {
    const { peer, streams } = await served();
    peer.hello();
    const block = encodeHeaders(new Map([...REQUEST, ['long', 'x'.repeat(300)]]));
    peer.say(headerFrames(1, block, { endStream: false, max: 50 }));
    for (let index = 1; index <= CONCURRENT_STREAMS_MAX; index++) peer.say(headers(2 * index + 1));
    await eventually(() => expect(streams).toHaveLength(CONCURRENT_STREAMS_MAX));
    await peer.heard();
    const [refusal] = peer.of(FRAME_TYPE.rstStream);
    expect(refusal?.payload.readUInt32BE()).toBe(HTTP2_ERROR.refusedStream);
  });

  it('closes a stream that is reset, and passes over what still comes on it', async () => {
    const { peer, streams, ends } = await served();
    peer.hello();
    peer.say(headers(1), resetFrame(1, 'cancel'), data(1, 10), windowUpdateFrame(1, 5));
    await eventually(() => expect(streams[0]?.diary.closed).toMatchObject([{ code: 'GRPC.STREAM_RESET' }]));
    expect(streams[0]?.diary.bytes).toBe(0);
    expect(ends).toEqual([]);
  });

  it('closes streams that a GOAWAY leaves out, and lets the others end', async () => {
    const { peer, connection } = await dialed();
    peer.hello();
    await peer.heard();
    const [first, second] = [new Diary(), new Diary()];
    connection.request(REQUEST, first).end();
    connection.request(REQUEST, second);
    peer.say(goawayFrame(1, 'noError', ''), headers(1, true, new Map([['grpc-status', '0']])));
    await eventually(() => expect(first.headers).toEqual([[['grpc-status', '0']]]));
    expect(first.closed).toEqual([undefined]);
    expect(second.closed).toMatchObject([{ code: 'GRPC.CONNECTION_LOST' }]);
  });

  it.each([
    ['a first frame that is not SETTINGS', [PREFACE, pingFrame(Buffer.alloc(8), false)], 'protocolError'],
    ['a stream that was never opened', [data(5, 1)], 'protocolError'],
    ['an even stream', [headers(2)], 'protocolError'],
    ['a stream used again', [headers(3, true), resetFrame(3, 'cancel'), headers(3)], 'streamClosed'],
    ['an older stream', [headers(5), headers(3)], 'streamClosed'],
    ['DATA after its end', [headers(1, true), data(1, 1)], 'streamClosed'],
    ['DATA on no stream', [data(0, 1)], 'protocolError'],
    ['SETTINGS of a stream', [settingsFrame({}).fill(1, 8, 9)], 'protocolError'],
    ['a window of too much', [windowUpdateFrame(0, 2 ** 31 - 1)], 'flowControlError'],
    ['a window widened by nothing', [windowUpdateFrame(0, 0)], 'protocolError'],
    ['windows beyond the limit', [settingsFrame({ initialWindowSize: 2 ** 31 })], 'flowControlError'],
    ['frames below the least size', [settingsFrame({ maxFrameSize: 100 })], 'protocolError'],
    ['headers interrupted', [headers(1).fill(0, 4, 5), pingFrame(Buffer.alloc(8), false)], 'protocolError'],
    ['a CONTINUATION of nothing', [headers(1).fill(9, 3, 4)], 'protocolError'],
    ['a push', [headers(1).fill(5, 3, 4)], 'protocolError'],
    ['headers that are no HPACK', [headers(1).fill(0xff, 9)], 'compressionError'],
    [
      'headers without an end',
      [headers(1).fill(0, 4, 5), ...Array.from({ length: 40 }, () => headers(1).fill(9, 3, 4).fill(0, 4, 5))],
      'enhanceYourCalm',
    ],
    [
      'streams opened to be reset',
      Array.from({ length: 4000 }, (_, index) => [headers(2 * index + 1), resetFrame(2 * index + 1, 'cancel')]).flat(),
      'enhanceYourCalm',
    ],
  ] as const)('ends with the right code after %s', async (_, frames, code) => {
    const { peer, ends, streams } = await served();
    if (!frames[0]?.equals(PREFACE)) peer.hello();
    peer.say(...frames);
    await eventually(() => expect(peer.goawayCode).toBe(HTTP2_ERROR[code]));
    await eventually(() => expect(peer.closed).toBe(true));
    expect(ends).toMatchObject([{ code: 'GRPC.HTTP2_PROTOCOL', details: { http2Code: code } }]);
    for (const { diary } of streams) expect(diary.closed).toHaveLength(1);
  });

  it('ends a peer that asks and does not read', async () => {
    const { peer, ends } = await served();
    peer.hello();
    await peer.heard();
    peer.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 20_000 }, () => pingFrame(Buffer.alloc(8), false)));
    for (let count = 0; count < 100 && ends.length === 0; count++) {
      peer.say(pings);
      await sleep(systemClock, 5);
    }
    expect(ends).toMatchObject([{ details: { http2Code: 'enhanceYourCalm' } }]);
  });
});

describe('the keepalive', () => {
  /** Time that passes when the test says so. */
  function manualClock(): Clock & { fire(): void } {
    let tasks: (() => void)[] = [];
    return {
      ...systemClock,
      after: (_, task) => {
        tasks.push(task);
        return () => (tasks = tasks.filter((each) => each !== task));
      },
      fire: () => tasks.splice(0).forEach((task) => task()),
    };
  }

  it('ends a connection that is not answered', async () => {
    const clock = manualClock();
    const { ends } = await dialed(clock);
    clock.fire();
    expect(ends).toMatchObject([{ code: 'GRPC.CONNECTION_LOST', message: 'no answer to the connection' }]);
  });

  it('pings, goes on when answered, and ends a peer that fell silent', async () => {
    const clock = manualClock();
    const { ends, peer } = await dialed(clock);
    peer.hello();
    await peer.heard();
    const pings = (): number => peer.of(FRAME_TYPE.ping).filter(({ header }) => header.flags === 0).length;
    clock.fire();
    await eventually(() => expect(pings()).toBe(1));
    peer.say(pingFrame(Buffer.alloc(8), true));
    await peer.heard();
    clock.fire();
    await eventually(() => expect(pings()).toBe(2));
    expect(ends).toEqual([]);
    clock.fire();
    expect(ends).toMatchObject([{ message: 'no answer to a ping' }]);
  });
});
