import type { agentV1 } from '@millrace/contracts';

export type AgentBody = NonNullable<agentV1.AgentMessage['body']>;
export type ApiBody = NonNullable<agentV1.ApiMessage['body']>;

/** One open session stream. */
export interface SessionChannel {
  send(body: AgentBody): void;
  close(): void;
}

export interface SessionChannelEvents {
  onMessage(body: ApiBody): void;
  /** Exactly once; `error.kind` says why. */
  onClosed(error?: Error): void;
}

/** Opens session streams; the gRPC one is in src/grpc. */
export interface SessionDialer {
  dial(events: SessionChannelEvents): SessionChannel;
}
