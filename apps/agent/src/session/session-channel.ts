import type { AgentMessageBody, ApiMessageBody } from '@millrace/contracts';
import type { AppError } from '@millrace/core';

/** One open session stream. */
export interface SessionChannel {
  /** Returns an error if the message is too long to be ever sent to this API. */
  send(body: AgentMessageBody): AppError | undefined;
  close(): void;
}

export interface SessionChannelEvents {
  onMessage(body: ApiMessageBody): void;
  /** Called exactly once; `error.kind` says why. */
  onClosed(error?: Error): void;
}

/** Opens session streams; the implementation for gRPC is in src/grpc. */
export interface SessionDialer {
  dial(events: SessionChannelEvents): SessionChannel;
}
