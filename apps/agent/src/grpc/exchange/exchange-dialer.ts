import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { type Clock, describeError, systemClock } from '@millrace/core';
import type {
  FrameChannel,
  FrameChannelEvents,
  FrameDialer,
  StreamIdentity,
} from '../../data-plane/link/frame-channel';
import { fromServiceError } from '../grpc-errors';
import { answeredStatus, decodeCredit, requestHeaders } from './exchange-protocol';
import { HTTP2_OPTIONS, MESSAGE_BYTES_MAX, watchSession, widenWindow } from './http2-settings';
import { MessageReader } from './message-reader';

/**
 * Opens StageService.Exchange calls; one connection per peer, kept for all attempts. It speaks gRPC over HTTP/2 itself
 * because grpc-js copies each message three times (docs/decisions has the figures); any gRPC server understands it.
 */
export class ExchangeDialer implements FrameDialer {
  private readonly sessions = new Map<string, ClientHttp2Session>();

  constructor(private readonly clock: Clock = systemClock) {}

  dial(address: string, identity: StreamIdentity, events: FrameChannelEvents): FrameChannel {
    const stream = this.session(address).request(requestHeaders(identity), { endStream: false });
    return openChannel(stream, `stream to ${address}`, events);
  }

  close(): void {
    for (const session of this.sessions.values()) session.destroy();
    this.sessions.clear();
  }

  private session(address: string): ClientHttp2Session {
    const known = this.sessions.get(address);
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const session = connect(`http://${address}`, HTTP2_OPTIONS);
    this.sessions.set(address, session);
    const forget = (): void => {
      if (this.sessions.get(address) === session) this.sessions.delete(address);
    };
    session.once('connect', () => widenWindow(session));
    // Its streams hear of the error too, and tell it.
    session.on('error', forget);
    session.once('goaway', forget);
    session.once('close', forget);
    watchSession(session, this.clock);
    return session;
  }
}

function openChannel(stream: ClientHttp2Stream, what: string, events: FrameChannelEvents): FrameChannel {
  let closed = false;
  const close = (error?: Error): void => {
    if (closed) return;
    closed = true;
    events.onClosed(error);
    stream.close(error === undefined ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL);
  };
  const unavailable = (details: string): Error => fromServiceError({ code: status.UNAVAILABLE, details }, what);
  const onStatus = (answered: Error | 'ok' | undefined): void => {
    if (answered !== undefined) close(answered === 'ok' ? undefined : answered);
  };
  const reader = new MessageReader(MESSAGE_BYTES_MAX, (message) => events.onCredit(decodeCredit(message)));
  stream.on('response', (headers) => {
    if (headers[':status'] !== 200) close(unavailable(`HTTP status ${headers[':status']}`));
    else onStatus(answeredStatus(headers, what));
  });
  stream.on('trailers', (trailers) => onStatus(answeredStatus(trailers, what)));
  stream.on('data', (chunk: Buffer) => {
    if (closed) return;
    try {
      reader.push(chunk);
    } catch (error) {
      close(unavailable(describeError(error)));
    }
  });
  stream.on('error', (error) => close(unavailable(describeError(error))));
  stream.on('close', () => close(unavailable('the connection closed')));
  return {
    write: (parts, onWritten) => writeTogether(stream, parts, () => closed || onWritten()),
    end: () => stream.end(),
  };
}

/** One system call for all of them, without a copy. */
function writeTogether(stream: ClientHttp2Stream, parts: readonly Uint8Array[], onWritten: () => void): void {
  stream.cork();
  parts.forEach((part, index) =>
    stream.write(
      part,
      index < parts.length - 1
        ? undefined
        : (error) => {
            if (!error) onWritten();
          },
    ),
  );
  stream.uncork();
}
