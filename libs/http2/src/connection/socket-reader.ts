import type { OnReadOpts, Socket } from 'node:net';
import { Socket as NetSocket } from 'node:net';
import { HEAD_BUFFER_BYTES, READ_BUFFER_BYTES } from '../http2-limits';
import type { Http2Connection } from './http2-connection';

/**
 * Reads a socket without a Buffer for each chunk: into memory that is used again, or directly to where the bytes belong
 * (net.Socket's `onread`, whose `buffer` may be a function). It must be passed to the socket when that is made, and
 * must get its `connection` before bytes can come: in the same turn of the event loop.
 */
export class SocketReader implements OnReadOpts {
  connection: Http2Connection | undefined;
  private readonly memory = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  private room: Buffer | undefined;

  /** Returns where the next read goes. */
  readonly buffer = (): Uint8Array => {
    const wasDirect = this.room !== undefined;
    this.room = this.connection?.closed === false ? this.connection.reader.room() : undefined;
    // After a large message there is mostly another one: only its head is read here, so that the rest need not be
    // copied.
    return this.room ?? (wasDirect ? this.memory.subarray(0, HEAD_BUFFER_BYTES) : this.memory);
  };

  /** Returning false ends the reading. */
  readonly callback = (bytes: number): boolean => {
    const { connection, room } = this;
    if (connection === undefined || connection.socket.destroyed) return false;
    if (room === undefined) connection.push(this.memory.subarray(0, bytes));
    else connection.placed(bytes);
    return true;
  };
}

/**
 * Wraps a server's socket in a new one around the same connection, to which `reader` can be passed: net.Server makes
 * its sockets without one. `_handle` is what server.listen accepts as "anything with an underlying _handle"; if a
 * socket has none, it stays as it is, and its chunks are pushed.
 */
export function readThrough(socket: Socket, reader: SocketReader): Socket {
  const shell = socket as SocketWithHandle;
  if ('encrypted' in socket) return readDecrypted(shell, reader);
  if (shell._handle === undefined || shell._handle === null) return pushChunks(socket, reader);
  const options = { handle: shell._handle, onread: reader, readable: true, writable: true };
  const own = new NetSocket(options);
  shell._handle = null;
  // The server counts the original socket: it must close when the new one does.
  own.once('close', () => shell.destroy());
  return own;
}

type SocketWithHandle = Socket & { _handle?: { useUserBuffer?: (memory: Uint8Array) => void } | null };

/**
 * The properties where net.Socket keeps what it was given as `onread`: the next read's memory, the function that makes
 * it, and the callback.
 */
const ONREAD_SLOTS = ['kBuffer', 'kBufferGen', 'kBufferCb'] as const;

/**
 * A TLS server's socket can be neither made anew nor given `onread`, so that the reader is put where net.Socket would
 * have put it. A Node without these properties delivers chunks, which works as well, at about half the speed.
 */
function readDecrypted(socket: SocketWithHandle, reader: SocketReader): Socket {
  const symbols = Object.getOwnPropertySymbols(socket);
  const slots = ONREAD_SLOTS.flatMap((name) => symbols.find(({ description }) => description === name) ?? []);
  // What was decrypted before comes as chunks, and nothing may overtake it.
  const isReadAlready = socket.readableLength > 0;
  pushChunks(socket, reader);
  if (slots.length < ONREAD_SLOTS.length || !socket._handle?.useUserBuffer || isReadAlready) return socket;
  const memory = reader.buffer();
  const values = [memory, reader.buffer, reader.callback];
  for (const [index, slot] of slots.entries()) Object.assign(socket, { [slot]: values[index] });
  socket._handle.useUserBuffer(memory);
  return socket;
}

function pushChunks(socket: Socket, reader: SocketReader): Socket {
  return socket.on('data', (chunk) => reader.connection?.push(chunk));
}
