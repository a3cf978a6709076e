import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { AppError, describeError, type Logger } from '@millrace/core';
import {
  CONNECT_TIMEOUT_MS,
  connectionLost,
  type HeaderFields,
  http2CodeOf,
  Http2Connection,
  type Http2Stream,
  readThrough,
  SocketReader,
  type StreamEvents,
} from '@millrace/http2';
import type { DataPlane } from '../../data-plane/data-plane';
import type { CreditChannel, StreamIdentity } from '../../data-plane/link/frame-channel';
import type { IncomingLink } from '../../data-plane/link/incoming-link';
import { methodUnknown, portUnavailable } from '../grpc-server.errors';
import {
  EXCHANGE_PATH,
  PROBE_PATH,
  RESPONSE_HEADERS,
  encodeCredit,
  statusTrailers,
  streamIdentity,
} from './exchange-protocol';
import { MessageReader } from './message-reader';
import { ProbedCall } from './probed-call';

/** A rank has a few peers in a few attempts; strangers must not use up the memory. */
const CONNECTIONS_MAX = 1000;

/** Serves StageService for the peers of this agent's attempts: gRPC over an HTTP/2 of its own, see ExchangeDialer. */
export class ExchangeServer {
  private readonly server: Server;
  private readonly connections = new Set<Http2Connection>();

  constructor(
    private readonly dataPlane: DataPlane,
    private readonly logger: Logger,
  ) {
    this.server = createServer((socket) => this.accept(socket));
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  /** The port it listens on. Error: GRPC.PORT_UNAVAILABLE. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', (error) => reject(portUnavailable(host, port, error)));
      this.server.listen(port, host, () => resolve((this.server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.server.close();
    for (const connection of [...this.connections]) connection.destroy(connectionLost('closed'));
  }

  private accept(accepted: Socket): void {
    const reader = new SocketReader();
    const socket = readThrough(accepted, reader);
    const connection = new Http2Connection(socket, 'server', {
      onStream: (stream, headers) => this.serve(stream, headers),
      onReady: () => socket.setTimeout(0),
      onGoaway: () => undefined,
      onClosed: (error) => {
        this.connections.delete(connection);
        this.logClosed(error);
      },
    });
    reader.connection = connection;
    this.connections.add(connection);
    // Until its settings come it may be anything.
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => connection.destroy(connectionLost('no settings came')));
  }

  private logClosed(error: AppError): void {
    // A peer that dies resets its connection; its link waits for the next one.
    if (http2CodeOf(error) === undefined) this.logger.debug({}, `a peer's connection ended: ${describeError(error)}`);
    else this.logger.warn({ http2: http2CodeOf(error) }, `a connection was ended: ${error.message}`);
  }

  private serve(stream: Http2Stream, headers: HeaderFields): void {
    const path = headers.get(':path') ?? '';
    if (path !== EXCHANGE_PATH && path !== PROBE_PATH) return refuseAtOnce(stream, methodUnknown(path));
    const identity = streamIdentity(headers);
    const link = this.dataPlane.accept(identity);
    if (link instanceof AppError) return refuseAtOnce(stream, link);
    stream.sendHeaders(RESPONSE_HEADERS);
    if (path === PROBE_PATH) return stream.listen(new ProbedCall(stream));
    const call = new ServedCall(stream, { identity, link, logger: this.logger });
    stream.listen(call);
    link.attach(call);
  }
}

interface ServedCallOptions {
  readonly identity: StreamIdentity;
  readonly link: IncomingLink;
  readonly logger: Logger;
}

/** One call: frames come, credits go. */
class ServedCall implements StreamEvents, CreditChannel {
  private answering = true;
  private readonly reader = new MessageReader(
    (message) => {
      const { link } = this.options;
      // What is still on its way on a call that was replaced or refused comes again on the next one.
      if (this.isOpen && link.isAttached(this)) link.receive(message);
    },
    (bytes) => this.options.link.messageMemory(bytes),
  );

  constructor(
    private readonly stream: Http2Stream,
    private readonly options: ServedCallOptions,
  ) {}

  credit(credit: { bytes: number; sequence: number }): void {
    if (this.isOpen) this.stream.write([encodeCredit(credit)]);
  }

  end(): void {
    if (this.isOpen) this.stream.end(statusTrailers());
    this.answering = false;
  }

  refuse(error: Error): void {
    if (this.isOpen) this.stream.end(statusTrailers(error), { andReset: true });
    this.answering = false;
  }

  onHeaders(): void {
    // A client's headers came with the stream.
  }

  onData(chunk: Buffer): void {
    if (this.isOpen) this.receive(() => this.reader.push(chunk));
  }

  dataRoom(): Buffer | undefined {
    return this.isOpen ? this.reader.room() : undefined;
  }

  onDataPlaced(bytes: number): void {
    if (this.isOpen) this.receive(() => this.reader.placed(bytes));
  }

  onEnd(): void {
    this.options.link.detach(this);
    this.end();
  }

  onClosed(): void {
    this.onEnd();
  }

  private get isOpen(): boolean {
    return this.answering && !this.stream.closed;
  }

  private receive(work: () => void): void {
    try {
      work();
    } catch (error) {
      const { identity, link, logger } = this.options;
      const { runId, fence, fromRank } = identity;
      logger.warn({ runId, fence, fromRank }, `a frame was refused: ${describeError(error)}`);
      link.detach(this);
      this.refuse(error as Error);
    }
  }
}

/** Headers and status in one ("Trailers-Only"). */
function refuseAtOnce(stream: Http2Stream, error: Error): void {
  stream.end(new Map([...RESPONSE_HEADERS, ...statusTrailers(error)]), { andReset: true });
}
