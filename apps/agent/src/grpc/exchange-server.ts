import { type handleBidiStreamingCall, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { AppError, describeError, type Logger } from '@millrace/core';
import type { DataPlane } from '../data-plane/data-plane';
import type { CreditChannel, CreditMessage } from '../data-plane/frame-channel';
import { EXCHANGE, streamIdentity } from './exchange-protocol';
import { portUnavailable } from './grpc-server.errors';
import { toServiceError } from './grpc-errors';
import { CHANNEL_OPTIONS } from './grpc-options';

/** Serves StageService for the peers of this agent's attempts. */
export class ExchangeServer {
  private readonly server = new Server(CHANNEL_OPTIONS);

  constructor(
    private readonly dataPlane: DataPlane,
    private readonly logger: Logger,
  ) {
    const exchange: handleBidiStreamingCall<Buffer, CreditMessage> = (call) => this.exchange(call);
    this.server.addService({ exchange: EXCHANGE }, { exchange });
  }

  /** The port it listens on. Error: GRPC.PORT_UNAVAILABLE. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(portUnavailable(host, port, error));
      });
    });
  }

  close(): void {
    this.server.forceShutdown();
  }

  private exchange(call: ServerDuplexStream<Buffer, CreditMessage>): void {
    const identity = streamIdentity(call.metadata);
    const link = this.dataPlane.accept(identity);
    if (link instanceof AppError) {
      call.emit('error', toServiceError(link));
      return;
    }
    let open = true;
    const channel: CreditChannel = {
      credit: (credit) => void call.write(credit),
      end: () => {
        if (open) call.end();
        open = false;
      },
      refuse: (error) => {
        if (open) call.emit('error', toServiceError(error));
        open = false;
      },
    };
    const end = (): void => {
      link.detach(channel);
      if (open) call.end();
      open = false;
    };
    call.on('data', (message: Buffer) => {
      // What is still on its way on a call that was replaced or refused comes again on the next one.
      if (!open || !link.isAttached(channel)) return;
      try {
        link.receive(message);
      } catch (error) {
        const { runId, fence, fromRank } = identity;
        this.logger.warn({ runId, fence, fromRank }, `a frame was refused: ${describeError(error)}`);
        link.detach(channel);
        channel.refuse(
          error instanceof Error
            ? error
            : new AppError({ code: 'DATA_PLANE.UNKNOWN', kind: 'internal', message: String(error) }),
        );
      }
    });
    call.on('end', end);
    call.on('error', end);
    call.on('cancelled', end);
    link.attach(channel);
  }
}
