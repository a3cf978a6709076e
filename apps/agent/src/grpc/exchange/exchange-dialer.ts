import { connect, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import {
  type AppError,
  assert,
  type Clock,
  describeError,
  isLoopback,
  splitHostPort,
  systemClock,
} from '@millrace/core';
import {
  connectionLost,
  type HeaderFields,
  Http2Connection,
  type Http2Stream,
  Keepalive,
  SocketReader,
  type StreamEvents,
} from '@millrace/http2';
import type {
  FrameChannel,
  FrameChannelEvents,
  FrameDialer,
  LinkTarget,
  StreamIdentity,
} from '../../data-plane/link/frame-channel';
import type { LinkCredential } from '../../data-plane/link/link-credential';
import { fromServiceError } from '../grpc-errors';
import { answeredStatus, decodeCredit, PROBE_PATH, requestHeaders } from './exchange-protocol';
import { MessageReader } from './message-reader';
import { ProbingCall } from './probing-call';
import { dialSecurely } from './secure/dial-securely';

/**
 * Opens StageService.Exchange calls. On loopback, one connection per peer serves all attempts; elsewhere there is one
 * TLS connection per peer and attempt. It speaks gRPC over our own HTTP/2 for its speed (docs/decisions has the
 * figures), and any gRPC server understands it.
 */
export class ExchangeDialer implements FrameDialer {
  private readonly connections = new Map<string, Http2Connection>();

  constructor(private readonly clock: Clock = systemClock) {}

  dial(target: LinkTarget, identity: StreamIdentity, events: FrameChannelEvents): FrameChannel {
    const { address } = target;
    const call = new ExchangeCall(`stream to ${address}`, events);
    const isProtected = securedBy(target) !== undefined;
    return { ...call.open(this.connection(target, identity), requestHeaders(identity, address)), isProtected };
  }

  async probe(target: LinkTarget, identity: StreamIdentity, byteCount: number): Promise<void> {
    const { address } = target;
    const headers = requestHeaders(identity, address, PROBE_PATH);
    await new ProbingCall(`probe of ${address}`).open(this.connection(target, identity), headers, byteCount);
  }

  close(): void {
    for (const connection of [...this.connections.values()]) connection.destroy(connectionLost('closed'));
  }

  private connection(target: LinkTarget, identity: StreamIdentity): Http2Connection {
    const secured = securedBy(target);
    const { address, rank } = target;
    const name = secured === undefined ? address : `${address} ${identity.runId} ${identity.fence} ${rank}`;
    const known = this.connections.get(name);
    if (known?.canRequest) return known;
    const reader = new SocketReader();
    const socket = secured === undefined ? dialPlainly(address, reader) : dialSecurely(target, identity, secured);
    if (secured !== undefined) socket.on('data', (chunk) => connection.push(chunk));
    const forget = (): void => {
      if (this.connections.get(name) === connection) this.connections.delete(name);
    };
    const connection = new Http2Connection(socket, 'client', {
      // A server never opens streams.
      onStream: () => undefined,
      onReady: () => keepalive.ready(),
      onGoaway: forget,
      onClosed: () => {
        keepalive.stop();
        forget();
      },
    });
    const keepalive = new Keepalive(connection, this.clock);
    reader.connection = connection;
    this.connections.set(name, connection);
    return connection;
  }
}

/** The credential to dial with; undefined if the link does not leave this machine. */
function securedBy({ address, credential }: LinkTarget): LinkCredential | undefined {
  if (isLoopback(splitHostPort(address).host)) return undefined;
  assert(credential !== undefined, `a link to ${address} leaves this machine and has no certificate`);
  return credential;
}

function dialPlainly(address: string, onread: SocketReader): Socket {
  const { host, port = 80 } = splitHostPort(address);
  return connect({ host, port, onread });
}

/** One call, on which frames go out and credits come in. It is over when its status has come, or can no longer come. */
class ExchangeCall implements StreamEvents {
  private readonly reader = new MessageReader((message) => this.events.onCredit(decodeCredit(message)));
  private stream: Http2Stream | undefined;
  private closed = false;

  constructor(
    private readonly what: string,
    private readonly events: FrameChannelEvents,
  ) {}

  open(connection: Http2Connection, headers: HeaderFields): Pick<FrameChannel, 'write' | 'end'> {
    const stream = connection.request(headers, this);
    this.stream = stream;
    return {
      write: (parts, onWritten) => stream.write(parts, () => this.closed || onWritten()),
      end: () => stream.end(),
    };
  }

  onHeaders(headers: HeaderFields): void {
    const httpStatus = headers.get(':status');
    // A status of 1xx comes before the answer, and trailers have none.
    if (httpStatus?.startsWith('1')) return;
    if (httpStatus !== undefined && httpStatus !== '200')
      return this.close(this.unavailable(`HTTP status ${httpStatus}`));
    const answered = answeredStatus(headers, this.what);
    if (answered !== undefined) this.close(answered === 'ok' ? undefined : answered, { answered: true });
  }

  onData(chunk: Buffer): void {
    if (this.closed) return;
    try {
      this.reader.push(chunk);
    } catch (error) {
      this.close(this.unavailable(describeError(error)));
    }
  }

  /** Credits are small: they need no memory of their own. */
  dataRoom(): undefined {
    return undefined;
  }

  onDataPlaced(): void {
    // Nothing is placed where there is no room.
  }

  onEnd(): void {
    this.close(this.unavailable('the call ended without a status'));
  }

  onClosed(error?: Error): void {
    this.close(this.unavailable(error === undefined ? 'the call ended without a status' : describeError(error)));
  }

  /** `answered` means that the peer sent a status, which is the last thing that it sends. */
  private close(error?: AppError, { answered = false } = {}): void {
    if (this.closed) return;
    this.closed = true;
    this.events.onClosed(error);
    if (answered) this.stream?.finish();
    else this.stream?.reset('cancel');
  }

  private unavailable(details: string): AppError {
    return fromServiceError({ code: status.UNAVAILABLE, details }, this.what);
  }
}
