import type { agentV1 } from '@millrace/contracts';
import type { AppError } from '@millrace/core';

export type AgentBody = NonNullable<agentV1.AgentMessage['body']>;
export type ApiBody = NonNullable<agentV1.ApiMessage['body']>;

/** The API's end of one agent's session, whatever carries it. */
export interface AgentTransport {
  /**
   * Queues a message. A queue that is full closes the session: the agent dials again and is told what it still needs.
   */
  send(body: ApiBody): void;
  /** Ends the session; nothing more is received or sent. */
  close(reason: AppError): void;
}
