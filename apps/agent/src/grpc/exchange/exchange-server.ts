import { isIP } from 'node:net';
import {
  AppError,
  type Clock,
  describeError,
  isLoopback,
  type Logger,
  type RankIdentity,
  systemClock,
} from '@millrace/core';
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
import { peerNotItself } from '../../data-plane/data-plane.errors';
import type { CreditChannel, StreamIdentity } from '../../data-plane/link/frame-channel';
import type { IncomingLink } from '../../data-plane/link/incoming-link';
import { RefusalLog, boundedText } from '../../data-plane/refusal-log';
import { methodUnknown } from '../grpc-server.errors';
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
import { type Arrival, DataPort } from './secure/data-port';

/** Serves StageService for the peers of this agent's attempts, with gRPC over our own HTTP/2: see ExchangeDialer. */
export class ExchangeServer {
  private readonly port: DataPort;
  private readonly connections = new Set<Http2Connection>();
  private readonly refusals: RefusalLog;

  constructor(
    private readonly dataPlane: DataPlane,
    private readonly logger: Logger,
    clock: Clock = systemClock,
  ) {
    this.refusals = new RefusalLog(clock, logger);
    const onArrival = (arrival: Arrival): void => this.accept(arrival);
    this.port = new DataPort({ dataPlane, refusals: this.refusals, clock, onArrival });
  }

  /** Listens in plain text on loopback and with TLS elsewhere. Resolves with the port. Throws GRPC.PORT_UNAVAILABLE. */
  listen(host: string, port: number): Promise<number> {
    return this.port.listen(host, port);
  }

  close(): void {
    this.port.close();
    for (const connection of [...this.connections]) connection.destroy(connectionLost('closed'));
  }

  private accept({ socket: accepted, guest, peer }: Arrival): void {
    const { strangers } = this.port;
    const reader = new SocketReader();
    const socket = readThrough(accepted, reader);
    // A connection is a stranger's before it has a call of an attempt, and again after its last one: no idle connection
    // keeps the slot of a peer.
    const onCallOver = (): void => {
      if (connection.streams.size === 0 && !connection.closed) strangers.add(guest);
    };
    const connection = new Http2Connection(socket, 'server', {
      onStream: (stream, headers) => {
        if (this.serve(stream, headers, { peer, onCallOver })) strangers.remove(guest);
      },
      onReady: () => undefined,
      onGoaway: () => undefined,
      onClosed: (error) => {
        this.connections.delete(connection);
        strangers.remove(guest);
        this.logClosed(error);
      },
    });
    reader.connection = connection;
    guest.end = (reason) => connection.destroy(connectionLost(reason));
    this.connections.add(connection);
  }

  private logClosed(error: AppError): void {
    // A peer that dies resets its connection, which is no news: its link waits for the next connection.
    if (http2CodeOf(error) === undefined) this.logger.debug({}, `a peer's connection ended: ${describeError(error)}`);
    else this.refusals.warn(`a connection was ended (${http2CodeOf(error)}): ${error.message}`);
  }

  /** Whether the caller has the key of an attempt, and the certificate of the rank that it claims to be. */
  private serve(stream: Http2Stream, headers: HeaderFields, { peer, onCallOver }: Caller): boolean {
    const path = headers.get(':path') ?? '';
    if (path !== EXCHANGE_PATH && path !== PROBE_PATH) return refuseAtOnce(stream, methodUnknown(boundedText(path)));
    const identity = streamIdentity(headers);
    const link = isSelf(identity, peer) ? this.dataPlane.accept(identity) : this.refuseImpostor(identity);
    if (link instanceof AppError) return refuseAtOnce(stream, link);
    stream.sendHeaders(RESPONSE_HEADERS);
    if (path === PROBE_PATH) {
      stream.listen(new ProbedCall(stream, onCallOver));
      return true;
    }
    const isProtected = peer !== undefined;
    const { refusals } = this;
    const call = new ServedCall(stream, { identity, link, isProtected, onOver: onCallOver, refusals });
    stream.listen(call);
    link.attach(call);
    return true;
  }

  private refuseImpostor({ runId, fence, fromRank }: StreamIdentity): AppError {
    const error = peerNotItself(`rank ${fromRank} of fence ${fence} of ${runId}`);
    this.refusals.warn(error.message);
    return error;
  }
}

interface Caller {
  /** The rank that its certificate names; undefined in plain text, where none is shown. */
  readonly peer: RankIdentity | undefined;
  readonly onCallOver: () => void;
}

function isSelf({ runId, fence, fromRank }: StreamIdentity, peer: RankIdentity | undefined): boolean {
  return peer === undefined || (peer.runId === runId && peer.fence === fence && peer.rank === fromRank);
}

interface ServedCallOptions {
  readonly identity: StreamIdentity;
  readonly link: IncomingLink;
  readonly isProtected: boolean;
  readonly onOver: () => void;
  readonly refusals: RefusalLog;
}

/** One call, on which frames come in and credits go out. */
class ServedCall implements StreamEvents, CreditChannel {
  private answering = true;
  private readonly reader: MessageReader;

  constructor(
    private readonly stream: Http2Stream,
    private readonly options: ServedCallOptions,
  ) {
    const { link } = options;
    this.reader = new MessageReader(
      (message) => {
        // What still arrives on a call that was replaced or refused is ignored: it comes again on the next call.
        if (this.isOpen && link.isAttached(this)) link.receive(message, options);
      },
      { bytesMax: link.messageBytesMax, memory: (bytes) => link.messageMemory(bytes) },
    );
  }

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
    this.options.onOver();
  }

  private get isOpen(): boolean {
    return this.answering && !this.stream.closed;
  }

  private receive(work: () => void): void {
    try {
      work();
    } catch (error) {
      const { identity, link, refusals } = this.options;
      const { runId, fence, fromRank } = identity;
      refusals.warn(`a frame of rank ${fromRank} of fence ${fence} of ${runId} was refused: ${describeError(error)}`);
      link.detach(this);
      this.refuse(error as Error);
    }
  }
}

/** Sends headers and status in one ("Trailers-Only"). */
function refuseAtOnce(stream: Http2Stream, error: Error): false {
  stream.end(new Map([...RESPONSE_HEADERS, ...statusTrailers(error)]), { andReset: true });
  return false;
}

/** The address to listen on so that others reach `advertisedHost`: every interface, unless that is loopback. */
export function listeningHost(advertisedHost: string): string {
  const isVersion6 = isIP(advertisedHost) === 6;
  if (isLoopback(advertisedHost)) return isVersion6 ? '::1' : '127.0.0.1';
  return isVersion6 ? '::' : '0.0.0.0';
}
