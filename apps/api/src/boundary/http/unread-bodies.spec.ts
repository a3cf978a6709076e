import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { FakeClock } from '@millrace/testing';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepEarlyAnswers } from './unread-bodies';

const MIB = 1024 ** 2;

describe('an answer before the request was read', () => {
  const clock = new FakeClock();
  let server: Server;
  let socket: Socket;
  let accepted: Socket;
  let answer = '';
  let closed: Promise<void>;
  let ended: Promise<void>;

  beforeEach(async () => {
    const app = express();
    app.use(keepEarlyAnswers(clock), (request, response) => {
      // A part of the body is read, as in an upload that is refused half-way.
      request.once('data', () => {
        request.pause();
        response.status(413).send('too much');
      });
    });
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const connected = new Promise<void>((resolve) =>
      server.once('connection', (connection: Socket) => {
        accepted = connection;
        resolve();
      }),
    );
    const opened = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket = opened;
    answer = '';
    opened.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    closed = new Promise((resolve) => opened.once('close', () => resolve()));
    ended = new Promise((resolve) => opened.once('end', resolve));
    await Promise.all([new Promise((resolve) => opened.once('connect', resolve)), connected]);
  });
  afterEach(() => {
    socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  const head = (bytes: number): string => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`;
  const until = async (text: string): Promise<void> => {
    while (!answer.includes(text)) await new Promise((resolve) => socket.once('data', resolve));
  };

  it('reaches a sender that sends everything before it reads, and ends the connection', async () => {
    socket.pause();
    socket.write(head(64 * MIB));
    for (let sent = 0; sent < 64; sent++)
      await new Promise<void>((resolve, reject) =>
        socket.write(Buffer.alloc(MIB), (error) => (error ? reject(error) : resolve())),
      );
    socket.resume();
    await ended;
    expect(answer).toMatch(/^HTTP\/1.1 413 [^]*Connection: close[^]*too much/i);
  });

  it('leaves the connection usable after a short body', async () => {
    const listeners = accepted.listenerCount('close');
    socket.write(head(4));
    socket.write('ab');
    await until('too much');
    expect(answer).toMatch(/Connection: keep-alive/i);
    answer = '';
    socket.write(`cd${head(4)}ef`);
    await until('too much');
    expect(answer).toMatch(/^HTTP\/1.1 413/);
    socket.write('gh');
    // The listeners that the requests added to the connection are removed again.
    while (accepted.listenerCount('close') > listeners) await new Promise((resolve) => setImmediate(resolve));
  });

  it('does not wait for ever for the rest', async () => {
    socket.write(head(64 * MIB));
    socket.write('ab');
    await until('too much');
    while (!clock.fireNext()) await new Promise((resolve) => setImmediate(resolve));
    await closed;
    expect(answer).toContain('too much');
  });
});
