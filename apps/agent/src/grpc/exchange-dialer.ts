import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js';
import type {
  CreditMessage,
  FrameChannel,
  FrameChannelEvents,
  FrameDialer,
  StreamIdentity,
} from '../data-plane/frame-channel';
import { EXCHANGE, identityMetadata } from './exchange-protocol';
import { fromServiceError } from './grpc-errors';
import { CHANNEL_OPTIONS } from './grpc-options';

/** Opens StageService.Exchange calls; one channel per peer, kept for all attempts. */
export class ExchangeDialer implements FrameDialer {
  private readonly clients = new Map<string, Client>();

  dial(address: string, identity: StreamIdentity, events: FrameChannelEvents): FrameChannel {
    const call = this.client(address).makeBidiStreamRequest(
      EXCHANGE.path,
      EXCHANGE.requestSerialize,
      EXCHANGE.responseDeserialize,
      identityMetadata(identity),
    );
    return openChannel(call, address, events);
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  private client(address: string): Client {
    let client = this.clients.get(address);
    if (client === undefined) {
      client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
      this.clients.set(address, client);
    }
    return client;
  }
}

function openChannel(
  call: ClientDuplexStream<Buffer, CreditMessage>,
  address: string,
  events: FrameChannelEvents,
): FrameChannel {
  let closed = false;
  const close = (error?: Error): void => {
    if (closed) return;
    closed = true;
    events.onClosed(error);
  };
  call.on('data', (credit: CreditMessage) => events.onCredit(credit));
  call.on('error', (error: ServiceError) =>
    close(error.code === status.CANCELLED && closed ? undefined : fromServiceError(error, `stream to ${address}`)),
  );
  call.on('end', () => close());
  return {
    write: (message, onWritten) => {
      call.write(message, (error?: Error | null) => {
        if (!closed && !error) onWritten();
      });
    },
    end: () => call.end(),
  };
}
