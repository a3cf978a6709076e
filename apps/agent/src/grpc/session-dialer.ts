import { type ChannelCredentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { agentV1 } from '@millrace/contracts';
import type { SessionChannel, SessionChannelEvents, SessionDialer } from '../session/session-channel';
import { fromServiceError } from './grpc-errors';
import { channelOptions } from './grpc-options';

export interface SessionDialerOptions {
  readonly address: string;
  readonly credentials: ChannelCredentials;
  readonly token: string;
}

/** AgentService of the API. */
export class GrpcSessionDialer implements SessionDialer {
  private readonly client: agentV1.AgentServiceClient;

  constructor(private readonly options: SessionDialerOptions) {
    this.client = new agentV1.AgentServiceClient(options.address, options.credentials, channelOptions(options.address));
  }

  dial(events: SessionChannelEvents): SessionChannel {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${this.options.token}`);
    const call = this.client.session(metadata);
    let closed = false;
    const close = (error?: Error): void => {
      if (closed) return;
      closed = true;
      events.onClosed(error);
    };
    call.on('data', ({ body }: agentV1.ApiMessage) => {
      // A body of a kind that this version does not know comes from a newer API.
      if (body !== undefined && !closed) events.onMessage(body);
    });
    call.on('error', (error: ServiceError) => close(fromServiceError(error, `session with ${this.options.address}`)));
    call.on('end', () => {
      call.end();
      close();
    });
    return {
      send: (body) => {
        if (!closed) call.write({ body });
      },
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
