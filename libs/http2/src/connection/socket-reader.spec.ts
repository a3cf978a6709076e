import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { makeGangCredentials } from '@millrace/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { Http2Connection } from './http2-connection';
import { readThrough, SocketReader } from './socket-reader';

const MESSAGE = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index & 255));

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

interface ReadMessage {
  readonly bytes: Buffer;
  /** How many of them were read to where they belong. */
  readonly placedBytes: number;
}

/** What a server's socket reads that is given room for all of a message; `prepare` gets the socket before that. */
async function readOverTls(prepare: (socket: TLSSocket) => void = () => undefined): Promise<ReadMessage> {
  const peers = [0, 1].map((rank) => ({ rank, agentId: `agent_${rank}`, address: `192.0.2.${rank}:1` }));
  const [ours, theirs] = await makeGangCredentials({ runId: 'run_1', fence: 1, peers }, Date.now());
  const pem = ({ authority, certificate, privateKey }: NonNullable<typeof ours>) => ({
    ca: authority,
    cert: certificate,
    key: privateKey,
  });
  const server = createServer({ ...pem(ours!), requestCert: true });
  const read = new Promise<ReadMessage>((resolve) => {
    server.on('secureConnection', (socket) => {
      prepare(socket);
      const bytes = Buffer.alloc(MESSAGE.length);
      let filledBytes = 0;
      let placedBytes = 0;
      const placed = (count: number): void => {
        filledBytes += count;
        placedBytes += count;
        if (filledBytes === bytes.length) resolve({ bytes, placedBytes });
      };
      const push = (chunk: Buffer): void => {
        filledBytes += chunk.copy(bytes, filledBytes);
        if (filledBytes === bytes.length) resolve({ bytes, placedBytes });
      };
      const room = (): Buffer | undefined => (filledBytes < bytes.length ? bytes.subarray(filledBytes) : undefined);
      const reader = new SocketReader();
      const connection = { socket, closed: false, push, placed, reader: { room } };
      reader.connection = connection as unknown as Http2Connection;
      readThrough(socket, reader);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ ...pem(theirs!), port, host: '127.0.0.1', checkServerIdentity: () => undefined });
  closers.push(() => (client.destroy(), server.close()));
  client.write(MESSAGE);
  return read;
}

describe('a socket of a TLS server', () => {
  it('is read to where the bytes belong', async () => {
    const { bytes, placedBytes } = await readOverTls();
    expect(bytes.equals(MESSAGE)).toBe(true);
    expect(placedBytes).toBe(MESSAGE.length);
  });

  it('is read in chunks where Node keeps its reader elsewhere', async () => {
    const { bytes, placedBytes } = await readOverTls((socket) => {
      const symbols = Object.getOwnPropertySymbols(socket);
      const slot = symbols.find(({ description }) => description === 'kBufferGen')!;
      Reflect.deleteProperty(socket, slot);
    });
    expect(bytes.equals(MESSAGE)).toBe(true);
    expect(placedBytes).toBe(0);
  });

  it('loses no order with what was decrypted before', async () => {
    const { bytes } = await readOverTls((socket) => void socket.unshift(MESSAGE.subarray(0, 1)));
    expect(bytes.subarray(0, 1)).toEqual(MESSAGE.subarray(0, 1));
    expect(bytes.subarray(1).equals(MESSAGE.subarray(0, -1))).toBe(true);
  });
});
