import { createServer, type Http2Server, type IncomingHttpHeaders, constants } from 'node:http2';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { AppError, describeError, type Logger } from '@millrace/core';
import type { DataPlane } from '../../data-plane/data-plane';
import type { CreditChannel, StreamIdentity } from '../../data-plane/link/frame-channel';
import type { IncomingLink } from '../../data-plane/link/incoming-link';
import { methodUnknown, portUnavailable } from '../grpc-server.errors';
import { EXCHANGE_PATH, RESPONSE_HEADERS, encodeCredit, statusTrailers, streamIdentity } from './exchange-protocol';
import { HTTP2_OPTIONS, MESSAGE_BYTES_MAX, widenWindow } from './http2-settings';
import { MessageReader } from './message-reader';

/** Serves StageService for the peers of this agent's attempts: gRPC over HTTP/2, see ExchangeDialer. */
export class ExchangeServer {
  private readonly server: Http2Server = createServer(HTTP2_OPTIONS);
  private readonly sessions = new Set<ServerHttp2Session>();

  constructor(
    private readonly dataPlane: DataPlane,
    private readonly logger: Logger,
  ) {
    this.server.on('session', (session) => {
      this.sessions.add(session);
      widenWindow(session);
      session.once('close', () => this.sessions.delete(session));
      // A peer that dies resets its connection; its link waits for the next one.
      session.on('error', (error) => this.logger.debug({}, `a peer's connection broke: ${describeError(error)}`));
    });
    this.server.on('stream', (stream, headers) => this.serve(stream, headers));
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
    for (const session of this.sessions) session.destroy();
  }

  private serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', (error) => this.logger.debug({}, `a peer's stream broke: ${describeError(error)}`));
    const path = String(headers[constants.HTTP2_HEADER_PATH]);
    if (path !== EXCHANGE_PATH) return refuseAtOnce(stream, methodUnknown(path));
    const identity = streamIdentity(headers);
    const link = this.dataPlane.accept(identity);
    if (link instanceof AppError) return refuseAtOnce(stream, link);
    this.exchange(stream, identity, link);
  }

  private exchange(stream: ServerHttp2Stream, identity: StreamIdentity, link: IncomingLink): void {
    const channel = new StreamCredits(stream);
    const reader = new MessageReader(MESSAGE_BYTES_MAX, (message) => {
      // What is still on its way on a call that was replaced or refused comes again on the next one.
      if (channel.isOpen && link.isAttached(channel)) link.receive(message);
    });
    const onEnd = (): void => {
      link.detach(channel);
      channel.end();
    };
    stream.on('data', (chunk: Buffer) => {
      if (!channel.isOpen) return;
      try {
        reader.push(chunk);
      } catch (error) {
        const { runId, fence, fromRank } = identity;
        this.logger.warn({ runId, fence, fromRank }, `a frame was refused: ${describeError(error)}`);
        link.detach(channel);
        channel.refuse(error as Error);
      }
    });
    stream.once('end', onEnd);
    stream.once('close', onEnd);
    link.attach(channel);
  }
}

/** The answering half of a call. */
class StreamCredits implements CreditChannel {
  private answering = true;
  private refusal: Error | undefined;

  constructor(private readonly stream: ServerHttp2Stream) {
    stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
    stream.once('wantTrailers', () => {
      stream.sendTrailers(statusTrailers(this.refusal));
      // The peer may be sending still: what it sends now would be for nobody.
      if (this.refusal !== undefined) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  get isOpen(): boolean {
    return this.answering && !this.stream.destroyed;
  }

  credit(credit: { bytes: number; sequence: number }): void {
    if (this.isOpen) this.stream.write(encodeCredit(credit));
  }

  end(): void {
    if (this.isOpen) this.stream.end();
    this.answering = false;
  }

  refuse(error: Error): void {
    this.refusal = error;
    this.end();
  }
}

/** Headers and status in one ("Trailers-Only"). */
function refuseAtOnce(stream: ServerHttp2Stream, error: Error): void {
  stream.respond({ ...RESPONSE_HEADERS, ...statusTrailers(error) }, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}
