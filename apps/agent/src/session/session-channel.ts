import type { agentV1 } from '@millrace/contracts';
import type { AppError } from '@millrace/core';

type Whole<Body> = Exclude<Body, { $case: 'part' }>;
/** Messages as they are meant; parts of them are the channel's affair. */
export type AgentMessageBody = Whole<NonNullable<agentV1.AgentMessage['body']>>;
export type ApiMessageBody = Whole<NonNullable<agentV1.ApiMessage['body']>>;

/** One open session stream. */
export interface SessionChannel {
  /** Gives why the message can never be sent to this API, for its length. */
  send(body: AgentMessageBody): AppError | undefined;
  close(): void;
}

export interface SessionChannelEvents {
  onMessage(body: ApiMessageBody): void;
  /** Exactly once; `error.kind` says why. */
  onClosed(error?: Error): void;
}

/** Opens session streams; the gRPC one is in src/grpc. */
export interface SessionDialer {
  dial(events: SessionChannelEvents): SessionChannel;
}
