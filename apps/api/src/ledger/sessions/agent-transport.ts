import type { agentV1 } from '@millrace/contracts';
import type { AppError } from '@millrace/core';

type Whole<Body> = Exclude<Body, { $case: 'part' }>;
/** Messages as they are meant; parts of them are the transport's affair. */
export type AgentMessageBody = Whole<NonNullable<agentV1.AgentMessage['body']>>;
export type ApiMessageBody = Whole<NonNullable<agentV1.ApiMessage['body']>>;

/** The API's end of one agent's session, whatever carries it. */
export interface AgentTransport {
  /**
   * Queues a message. A queue that is full closes the session: the agent dials again and is told what it still needs.
   * Gives why the message can never be sent to this agent, for its length.
   */
  send(body: ApiMessageBody): AppError | undefined;
  /** Whether what was sent before is still on its way into the connection. */
  isBusy(): boolean;
  /** Ends the session; nothing more is received or sent. */
  close(reason: AppError): void;
}
