import { type AddressInfo, type Server, type Socket, createServer, isIP } from 'node:net';
import { AppError, type Clock, describeError, isLoopback, type Logger, systemClock } from '@millrace/core';
import {
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
import { RefusalLog, boundedText } from '../../data-plane/refusal-log';
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
import { STRANGERS_MAX, StrangerSlots } from './stranger-slots';

/** Of peers, beside the strangers: a rank has a few of them in a few attempts. */
const CONNECTIONS_MAX = 1000;

/** Serves StageService for the peers of this agent's attempts: gRPC over an HTTP/2 of its own, see ExchangeDialer. */
export class ExchangeServer {
  private readonly server: Server;
  private readonly connections = new Set<Http2Connection>();
  private readonly strangers: StrangerSlots<Http2Connection>;
  private readonly refusals: RefusalLog;

  constructor(
    private readonly dataPlane: DataPlane,
    private readonly logger: Logger,
    clock: Clock = systemClock,
  ) {
    this.refusals = new RefusalLog(clock, logger);
    this.strangers = new StrangerSlots(clock, (stranger, reason) => stranger.destroy(connectionLost(reason)));
    this.server = createServer((socket) => this.accept(socket));
    this.server.maxConnections = CONNECTIONS_MAX + STRANGERS_MAX;
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
      onStream: (stream, headers) => {
        if (this.serve(stream, headers)) this.strangers.remove(connection);
      },
      onReady: () => undefined,
      onGoaway: () => undefined,
      onClosed: (error) => {
        this.connections.delete(connection);
        this.strangers.remove(connection);
        this.logClosed(error);
      },
    });
    reader.connection = connection;
    this.connections.add(connection);
    this.strangers.add(connection);
  }

  private logClosed(error: AppError): void {
    // A peer that dies resets its connection; its link waits for the next one.
    if (http2CodeOf(error) === undefined) this.logger.debug({}, `a peer's connection ended: ${describeError(error)}`);
    else this.refusals.warn(`a connection was ended (${http2CodeOf(error)}): ${error.message}`);
  }

  /** Whether the caller has the key of an attempt. */
  private serve(stream: Http2Stream, headers: HeaderFields): boolean {
    const path = headers.get(':path') ?? '';
    if (path !== EXCHANGE_PATH && path !== PROBE_PATH) return refuseAtOnce(stream, methodUnknown(boundedText(path)));
    const identity = streamIdentity(headers);
    const link = this.dataPlane.accept(identity);
    if (link instanceof AppError) return refuseAtOnce(stream, link);
    stream.sendHeaders(RESPONSE_HEADERS);
    if (path === PROBE_PATH) {
      stream.listen(new ProbedCall(stream));
      return true;
    }
    const call = new ServedCall(stream, { identity, link, logger: this.logger });
    stream.listen(call);
    link.attach(call);
    return true;
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
function refuseAtOnce(stream: Http2Stream, error: Error): false {
  stream.end(new Map([...RESPONSE_HEADERS, ...statusTrailers(error)]), { andReset: true });
  return false;
}

/** Where to listen so that others reach `advertisedHost`: on every interface, unless that is this machine alone. */
export function listeningHost(advertisedHost: string): string {
  const isVersion6 = isIP(advertisedHost) === 6;
  if (isLoopback(advertisedHost)) return isVersion6 ? '::1' : '127.0.0.1';
  return isVersion6 ? '::' : '0.0.0.0';
}
