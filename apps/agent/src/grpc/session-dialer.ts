import { type ChannelCredentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { agentV1 } from '@millrace/contracts';
import { AppError } from '@millrace/core';
import type { SessionChannel, SessionChannelEvents, SessionDialer } from '../session/session-channel';
import { fromServiceError } from './grpc-errors';
import { channelOptions } from './grpc-options';
import { SessionStream } from './session-stream';

export interface SessionDialerOptions {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly token: string;
}

/** Client of the API's AgentService. */
export class GrpcSessionDialer implements SessionDialer {
  private readonly client: agentV1.AgentServiceClient;

  constructor(private readonly options: SessionDialerOptions) {
    this.client = new agentV1.AgentServiceClient(options.address, options.credentials, channelOptions(options.address));
  }

  dial(events: SessionChannelEvents): SessionChannel {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${this.options.token}`);
    const call = this.client.session(metadata);
    const stream = new SessionStream(call);
    let closed = false;
    const close = (error?: Error): void => {
      if (closed) return;
      closed = true;
      events.onClosed(error);
    };
    const receive = (message: agentV1.ApiMessage): void => {
      const body = stream.received(message);
      if (body !== undefined) events.onMessage(body);
    };
    call.on('data', (message: agentV1.ApiMessage) => {
      if (closed) return;
      try {
        receive(message);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        call.cancel();
        close(error);
      }
    });
    call.on('error', (error: ServiceError) => close(fromServiceError(error, `session with ${this.options.address}`)));
    call.on('end', () => {
      call.end();
      close();
    });
    return {
      send: (body) => (closed ? undefined : stream.send(body)),
      close: () => {
        call.end();
        close();
      },
    };
  }

  close(): void {
    this.client.close();
  }
}
