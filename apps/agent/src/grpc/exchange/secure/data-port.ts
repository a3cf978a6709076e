import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContext,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls';
import { type Clock, describeError, hostPort, isLoopback, rankOfUri, type RankIdentity } from '@millrace/core';
import type { DataPlane } from '../../../data-plane/data-plane';
import type { RefusalLog } from '../../../data-plane/refusal-log';
import { attemptUnnamed, portUnavailable } from '../../grpc-server.errors';
import { StrangerSlots, STRANGER_TIMEOUT_MS, STRANGERS_MAX } from '../stranger-slots';
import { ALPN_PROTOCOL, attemptContext, certificateUri } from './attempt-context';

/** How many connections may be open beside those of strangers: a rank has a few peers in each of a few attempts. */
const CONNECTIONS_MAX = 1000;

/**
 * A connection among the strangers, with the function that ends it; a later owner of the connection replaces that
 * function.
 */
export interface Guest {
  end: (reason: string) => void;
}

export interface Arrival {
  readonly socket: Socket;
  readonly guest: Guest;
  /** The rank that its certificate names; undefined on a port in plain text, where none is shown. */
  readonly peer: RankIdentity | undefined;
}

export interface DataPortOptions {
  readonly dataPlane: Pick<DataPlane, 'secured'>;
  readonly refusals: RefusalLog;
  readonly clock: Clock;
  /** Receives a connection that may be served. */
  onArrival(arrival: Arrival): void;
}

/**
 * The port that peers connect to. On loopback it speaks plain text. On any other address a caller names an attempt
 * (SNI) and shows that attempt's certificate before any byte of its requests is read.
 */
export class DataPort {
  readonly strangers: StrangerSlots<Guest>;
  private server: Server | undefined;
  /**
   * Connections that still shake hands, by the caller's address and port: a TLS server's two sockets for one caller
   * have nothing else in common.
   */
  private readonly arriving = new Map<string, Guest>();

  constructor(private readonly options: DataPortOptions) {
    this.strangers = new StrangerSlots(options.clock, (guest, reason) => guest.end(reason));
  }

  /** Resolves with the port it listens on. Throws GRPC.PORT_UNAVAILABLE. */
  listen(host: string, port: number): Promise<number> {
    const server = isLoopback(host) ? this.plainServer() : this.secureServer();
    server.maxConnections = CONNECTIONS_MAX + STRANGERS_MAX;
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(portUnavailable(host, port, error)));
      server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.server?.close();
    for (const guest of this.arriving.values()) guest.end('closed');
  }

  private plainServer(): Server {
    return createServer((socket) => {
      const guest = { end: () => void socket.destroy() };
      this.strangers.add(guest);
      this.options.onArrival({ socket, guest, peer: undefined });
    });
  }

  private secureServer(): TlsServer {
    const server = createTlsServer({
      SNICallback: (name, done) => this.chooseContext(name, done),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN_PROTOCOL],
      handshakeTimeout: STRANGER_TIMEOUT_MS,
    });
    server.on('connection', (socket: Socket) => this.arrive(socket));
    server.on('tlsClientError', (error) =>
      this.options.refusals.warn(`a caller showed no certificate of an attempt: ${describeError(error)}`),
    );
    server.on('secureConnection', (socket) => this.greet(socket));
    return server;
  }

  private chooseContext(name: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const attempt = this.options.dataPlane.secured(name);
    if (attempt === undefined) done(attemptUnnamed());
    else done(null, attemptContext(attempt.credential));
  }

  private arrive(socket: Socket): void {
    const guest = { end: () => void socket.destroy() };
    const caller = callerOf(socket);
    this.arriving.set(caller, guest);
    this.strangers.add(guest);
    socket.once('close', () => {
      if (this.arriving.get(caller) === guest) this.arriving.delete(caller);
      this.strangers.remove(guest);
    });
  }

  /** Lets a caller in if its certificate is of the attempt that it named. */
  private greet(socket: TLSSocket): void {
    const caller = callerOf(socket);
    const guest = this.arriving.get(caller);
    this.arriving.delete(caller);
    const peer = this.peerOf(socket);
    if (guest === undefined || peer === undefined || socket.alpnProtocol !== ALPN_PROTOCOL) {
      this.options.refusals.warn(`a caller at ${caller} was refused: its attempt is over, or it does not speak HTTP/2`);
      socket.destroy();
      return;
    }
    this.options.onArrival({ socket, guest, peer });
  }

  private peerOf(socket: TLSSocket): RankIdentity | undefined {
    // @types/node does not declare it on a server's socket: it is the name that SNICallback was called with.
    const { servername } = socket as TLSSocket & { servername?: string | false };
    const attempt = typeof servername === 'string' ? this.options.dataPlane.secured(servername) : undefined;
    if (attempt === undefined) return undefined;
    const uri = certificateUri(socket.getPeerX509Certificate()?.subjectAltName);
    const rank = rankOfUri(uri, attempt);
    return rank === undefined ? undefined : { runId: attempt.runId, fence: attempt.fence, rank };
  }
}

function callerOf({ remoteAddress, remotePort }: Socket): string {
  return hostPort(remoteAddress ?? 'nowhere', remotePort ?? 0);
}
